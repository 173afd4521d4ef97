import ArgumentParser
import Lodge

/// The root: nothing but the list of verbs, grouped as `virsh help` groups them.
struct LodgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lodge",
        abstract: "Manages QEMU guests and networks without a daemon.",
        discussion: """
            Domains and networks are described in libvirt's XML; verbs, options and exit codes are virsh's. Every verb \
            takes --root DIR, --netns NAME|PATH and --quiet, before or behind its name, and every query --json.

            A guest outlives the command that started it, and every command sees what all others did.
            """,
        version: Host.version,
        groupedSubcommands: [
            CommandGroup(
                name: "Domain Management",
                subcommands: [
                    Autostart.self, ConsoleVerb.self, Create.self, Define.self, Destroy.self, DomID.self, DomName.self,
                    DomUUID.self, DomXMLToNative.self, DumpXML.self, Log.self, MonitorCommand.self, Reset.self,
                    Resume.self, Run.self, Shutdown.self, Start.self, Suspend.self, Undefine.self,
                ]),
            CommandGroup(
                name: "Domain Monitoring", subcommands: [DomIfAddr.self, DomInfo.self, DomState.self, List.self]),
            CommandGroup(name: "Domain Events", subcommands: [Event.self]),
            CommandGroup(name: "Host and Hypervisor", subcommands: [Version.self]),
            CommandGroup(
                name: "Networking",
                subcommands: [
                    NetAutostart.self, NetCreate.self, NetDefine.self, NetDestroy.self, NetDHCPLeases.self,
                    NetDumpXML.self, NetInfo.self, NetList.self, NetName.self, NetStart.self, NetUndefine.self,
                    NetUUID.self,
                ]),
        ])

    /// Every verb's name.
    static var verbs: [String] {
        configuration.groupedSubcommands.flatMap { $0.subcommands }.compactMap { $0.configuration.commandName }
    }
}
