// swift-tools-version: 6.2
import PackageDescription

/// The house rules, checked by the compiler; tests have the same but may call unsafe things without saying so.
let testRules: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// One settings array for every Swift target.
let houseRules = testRules + [.strictMemorySafety()]

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "lodge",
    products: [
        .library(name: "Lodge", targets: ["Lodge"]),
        .executable(name: "lodge", targets: ["LodgeCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        // C: thin syscall wrappers, the child between clone and exec, and module maps.
        .target(name: "CLinux", path: "Sources/C/CLinux"),
        .systemLibrary(
            name: "CExpat", path: "Sources/C/CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
        .systemLibrary(
            name: "CLibNL", path: "Sources/C/CLibNL", pkgConfig: "libnl-route-3.0",
            providers: [.apt(["libnl-3-dev", "libnl-route-3-dev"])]),
        .systemLibrary(
            name: "CLibCapNG", path: "Sources/C/CLibCapNG", pkgConfig: "libcap-ng", providers: [.apt(["libcap-ng-dev"])]
        ),

        // Arrows run one way: CLI → Lodge → Drivers → {Netlink, Core} → C.
        .target(
            name: "LodgeCore", dependencies: ["CLinux", "CExpat", "CLibCapNG", log, system], path: "Sources/Core",
            swiftSettings: houseRules),
        .target(
            name: "LodgeNetlink", dependencies: ["LodgeCore", "CLibNL", "CLinux", system], path: "Sources/Netlink",
            swiftSettings: houseRules),
        .target(
            name: "LodgeQEMU", dependencies: ["LodgeCore", "CLinux", log, system], path: "Sources/Drivers/QEMU",
            swiftSettings: houseRules),
        .target(
            name: "LodgeNetwork", dependencies: ["LodgeCore", "LodgeNetlink", "CLinux", log, system],
            path: "Sources/Drivers/Network", swiftSettings: houseRules),
        .target(
            name: "Lodge", dependencies: ["LodgeCore", "LodgeQEMU", "LodgeNetwork", "LodgeNetlink", log],
            path: "Sources/Lodge", swiftSettings: houseRules),
        .executableTarget(
            name: "LodgeCLI", dependencies: ["Lodge", arguments, log], path: "Sources/CLI", swiftSettings: houseRules),

        // What the tests share: scratch root and namespace, the kernel features of this run.
        .target(
            name: "TestSupport", dependencies: ["LodgeCore", log], path: "Tests/Support", swiftSettings: testRules),
        // A host program that treats its children badly, started by the tests.
        .executableTarget(
            name: "lodge-test-host", dependencies: ["LodgeCore", "TestSupport", log], path: "Tests/TestHost",
            swiftSettings: testRules),
        // One that supervises a guest in spite of it.
        .executableTarget(
            name: "lodge-supervising-host", dependencies: ["Lodge", "TestSupport"], path: "Tests/SupervisingHost",
            swiftSettings: testRules),
        .testTarget(
            name: "LodgeCoreTests",
            dependencies: ["LodgeCore", "TestSupport", "lodge-test-host", "CLinux", "CLibCapNG", log, system],
            path: "Tests/Core", swiftSettings: testRules),
        .testTarget(
            name: "LodgeNetlinkTests", dependencies: ["LodgeCore", "LodgeNetlink", system], path: "Tests/Netlink",
            swiftSettings: testRules),
        .target(name: "FakeQEMU", dependencies: ["LodgeCore"], path: "Tests/FakeQEMU", swiftSettings: testRules),
        .testTarget(
            name: "LodgeQEMUTests",
            dependencies: ["FakeQEMU", "LodgeCore", "LodgeQEMU", "TestSupport", "CLinux", log, system],
            path: "Tests/QEMU", swiftSettings: testRules),
        .testTarget(
            name: "LodgeNetworkTests",
            dependencies: ["LodgeCore", "LodgeNetlink", "LodgeNetwork", "TestSupport", "CLinux", log, system],
            path: "Tests/Network",
            swiftSettings: testRules),
        .testTarget(
            name: "LodgeTests",
            dependencies: ["Lodge", "LodgeQEMU", "TestSupport", "lodge-supervising-host", log], path: "Tests/Lodge",
            swiftSettings: testRules),
        .testTarget(
            name: "LodgeCLITests", dependencies: ["LodgeCLI", "LodgeCore", "TestSupport"], path: "Tests/CLI",
            swiftSettings: testRules),

        // Operations killed at each of their state-changing system calls, by a tracer of our own.
        .executableTarget(name: "killpoint", path: "Tests/Crash/KillPoint"),
        .testTarget(
            name: "CrashTests", dependencies: ["LodgeCore", "TestSupport", "LodgeCLI", "killpoint", log],
            path: "Tests/Crash/Sweep", swiftSettings: testRules),
    ]
)
