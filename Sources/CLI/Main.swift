import ArgumentParser
import Lodge

@main
struct LodgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lodge", abstract: "Manages QEMU guests and networks without a daemon.")
}
