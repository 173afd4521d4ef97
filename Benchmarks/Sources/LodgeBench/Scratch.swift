import FoundationEssentials
import Glibc
import Lodge

/// A root directory and a network namespace for one part of the run, which leave nothing behind.
struct Scratch {
    /// In memory, as `/run` is on every Debian: a disk that others write to would be measured else.
    let root: String
    let namespace: NetworkNamespace

    init(_ name: String) throws {
        root = "/dev/shm/lodge-bench-\(getpid())-\(name)"
        namespace = try NetworkNamespace.create()
        mkdir(root, 0o700)
        mkdir(work, 0o700)
    }

    /// For what the bare side needs.
    var work: String { "\(root)/bare" }
    var directories: RootDirectory {
        get throws { try RootDirectory(under: root) }
    }

    func open() async throws -> Host {
        var options = Host.Options(root: try directories)
        options.networkNamespace = namespace
        return try await Host.open(options)
    }

    func remove() { try? FileManager.default.removeItem(atPath: root) }

    /// Runs a body with a scratch of its own. Guests and servers that it leaves are ended through Lodge.
    static func use(_ name: String, _ body: (Scratch, Host) async throws -> Void) async throws {
        let scratch = try Scratch(name)
        defer { scratch.remove() }
        let host = try await scratch.open()
        do { try await body(scratch, host) } catch {
            await scratch.endAll(host)
            throw error
        }
        await scratch.endAll(host)
        await host.close()
    }

    private func endAll(_ host: Host) async {
        for summary in (try? await host.domains()) ?? [] where summary.id != nil {
            try? await host.domain(summary.name).destroy()
        }
        // The links go with the namespace; only servers are left.
        for summary in (try? await host.networks()) ?? [] where summary.active {
            guard let network = try? await host.network(summary.name), let pid = try? await network.info().pid else {
                continue
            }
            kill(pid, SIGKILL)
        }
    }
}

extension Host {
    func define(_ xml: String) async throws -> Domain { try await define(xml: Array(xml.utf8), file: "guest.xml") }

    func defineNetwork(_ xml: String) async throws -> Network {
        try await defineNetwork(xml: Array(xml.utf8), file: "network.xml")
    }
}

enum Definition {
    /// 64 MiB, emulated, and what every definition gets.
    static func guest(_ name: String, devices: String = "") -> String {
        """
        <domain type='qemu'><name>\(name)</name><memory unit='MiB'>64</memory>
        <os><type machine='q35'>hvm</type></os>
        <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
        <devices>\(devices)</devices></domain>
        """
    }

    /// Leads nowhere and serves nothing: a bridge with an address and rules.
    static func isolated(_ number: Int) -> String {
        """
        <network><name>isolated\(number)</name><bridge name='lbi\(number)' stp='off'/><dns enable='no'/>
        <ip address='10.\(100 + number / 200).\(number % 200).1' netmask='255.255.255.0'/></network>
        """
    }

    static func open(_ number: Int) -> String {
        """
        <network><name>open\(number)</name><forward mode='open'/><bridge name='lbo\(number)' stp='off'/>
        <dns enable='no'/><ip address='10.\(110 + number / 200).\(number % 200).1' netmask='255.255.255.0'/></network>
        """
    }

    static func translated(_ number: Int) -> String {
        """
        <network><name>nat\(number)</name><forward mode='nat'/><bridge name='lbn\(number)' stp='off'/>
        <ip address='10.\(120 + number / 200).\(number % 200).1' netmask='255.255.255.0'><dhcp>
        <range start='10.\(120 + number / 200).\(number % 200).2' end='10.\(120 + number / 200).\(number % 200).254'/>
        </dhcp></ip></network>
        """
    }
}
