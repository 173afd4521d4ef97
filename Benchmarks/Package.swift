// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that users of the library never resolve what only benchmarks need.
let package = Package(
    name: "lodge-benchmarks",
    dependencies: [.package(name: "lodge", path: "..")],
    targets: [
        .executableTarget(
            name: "LodgeBench", dependencies: [.product(name: "Lodge", package: "lodge")],
            swiftSettings: [
                .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"), .treatAllWarnings(as: .error),
            ])
    ]
)
