import ArgumentParser
import Lodge

struct Version: Query {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show the versions of Lodge, QEMU and the kernel, and whether KVM works.")

    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let version = try await host.version()
        try output.answer(version) {
            Fields.lines([
                ("Lodge", version.lodge), ("QEMU", version.emulatorVersion), ("Emulator", version.emulator),
                ("Kernel", version.kernel), ("KVM", version.kvm),
            ])
        }
    }
}
