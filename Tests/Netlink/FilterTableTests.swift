import Glibc
import LodgeCore
import LodgeNetlink
import Testing

@Suite("Packet filter tables over netlink", .enabled(if: geteuid() == 0, "needs root for a network namespace"))
struct FilterTableTests {
    @Test func countedDeletedAndGone() throws {
        try inScratchNamespace {
            let session = try NetlinkSession(.netfilter)
            #expect(try session.filterTables() == [:])
            #expect(try !session.deleteFilterTable(FilterTable(family: "inet", name: "absent")))
            // nft runs in this thread's namespace, because posix_spawn makes its child from this thread.
            try nft(
                "table inet lodge_a { chain c { type filter hook forward priority 0; accept; drop; }; chain d { return; }; }"
            )
            try nft("table ip other { }")
            let table = FilterTable(family: "inet", name: "lodge_a")
            #expect(try session.filterTables() == [table: 3, FilterTable(family: "ip", name: "other"): 0])
            try nft("flush chain inet lodge_a c")
            #expect(try session.filterTables()[table] == 1)
            #expect(try session.deleteFilterTable(table))
            #expect(try session.filterTables().count == 1)
            #expect(throws: LodgeError.self) {
                try session.deleteFilterTable(FilterTable(family: "nonsense", name: "x"))
            }
        }
    }

    private func nft(_ text: String) throws {
        var pid = pid_t()
        var arguments: [UnsafeMutablePointer<CChar>?] =
            ["nft", text].map { text in text.withCString { strdup($0) } } + [nil]
        defer { for argument in arguments { free(argument) } }
        let code = posix_spawn(&pid, "/usr/sbin/nft", nil, nil, &arguments, environ)
        try #require(code == 0)
        var status: CInt = 0
        waitpid(pid, &status, 0)
        #expect(status == 0)
    }
}

extension FilterTableTests {
    /// The kernel's reading of our rules, told by nft, is what nft would have compiled from the text.
    @Test func rulesReadBackAsNftWritesThem() throws {
        try inScratchNamespace {
            let session = try NetlinkSession(.netfilter)
            let table = FilterTable(family: "inet", name: "lodge_x")
            let net = try #require(IPPrefix("192.168.122.0/24"))
            let odd = try #require(IPPrefix("10.1.2.64/26"))
            let six = try #require(IPPrefix("fd00:1::/64"))
            let addresses = try #require(IPAddress("10.0.0.1"))...(try #require(IPAddress("10.0.0.5")))
            let forward = FilterChain(
                name: "forward", kind: .filter, hook: .forward, priority: 0,
                rules: [
                    FilterRule([.input("virbr0"), .output("virbr0")], .accept),
                    FilterRule([.input("virbr0"), .output("sixteen-bytes-x"), .source(net)], .accept),
                    FilterRule([.output("virbr0"), .destination(odd), .established], .accept),
                    FilterRule([.output("virbr0"), .destination(six)], .accept),
                    FilterRule([.input("virbr0")], .reject),
                ])
            let nat = FilterChain(
                name: "postrouting", kind: .nat, hook: .postrouting, priority: 100,
                rules: [
                    FilterRule([.source(net), .destination(try #require(IPPrefix("224.0.0.0/24")))], .leave),
                    FilterRule(
                        [.source(net), .notDestination(net), .transport(.tcp)], .masquerade(ports: 1024...65535)),
                    FilterRule([.source(odd), .notDestination(odd)], .masquerade(ports: nil)),
                    FilterRule(
                        [.source(net), .notDestination(net), .transport(.udp)],
                        .translateSource(addresses, ports: 2000...3000)),
                    FilterRule([.source(six), .notDestination(six)], .masquerade(ports: nil)),
                ])
            for _ in 0..<2 {
                try session.replaceFilterTable(table, comment: "network \"x\"; drop", chains: [forward, nat])
                #expect(try session.filterTables() == [table: 10])
            }
            let text = try output("nft", ["list", "table", "inet", "lodge_x"])
            let expected = """
                table inet lodge_x {
                	comment "network "x"; drop"
                	chain forward {
                		type filter hook forward priority filter; policy accept;
                		iifname "virbr0" oifname "virbr0" accept
                		iifname "virbr0" oifname "sixteen-bytes-x" ip saddr 192.168.122.0/24 accept
                		oifname "virbr0" ip daddr 10.1.2.64/26 ct state established,related accept
                		oifname "virbr0" ip6 daddr fd00:1::/64 accept
                		iifname "virbr0" reject
                	}

                	chain postrouting {
                		type nat hook postrouting priority srcnat; policy accept;
                		ip saddr 192.168.122.0/24 ip daddr 224.0.0.0/24 return
                		ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 meta l4proto tcp masquerade to :1024-65535
                		ip saddr 10.1.2.64/26 ip daddr != 10.1.2.64/26 masquerade
                		ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 meta l4proto udp snat ip to 10.0.0.1-10.0.0.5:2000-3000
                		ip6 saddr fd00:1::/64 ip6 daddr != fd00:1::/64 masquerade
                	}
                }

                """
            #expect(text == expected)
        }
    }

    /// A refused rule takes the whole transaction with it, and the old table stays.
    @Test func nothingIsHalfDone() throws {
        try inScratchNamespace {
            let session = try NetlinkSession(.netfilter)
            let table = FilterTable(family: "inet", name: "lodge_x")
            let good = FilterChain(
                name: "c", kind: .filter, hook: .forward, priority: 0, rules: [FilterRule([.input("a")], .accept)])
            try session.replaceFilterTable(table, comment: "", chains: [good])
            // Masquerading belongs to nat chains.
            var bad = good
            bad.rules = [FilterRule([], .accept), FilterRule([], .masquerade(ports: nil)), FilterRule([], .accept)]
            #expect(throws: LodgeError.self) {
                try session.replaceFilterTable(table, comment: "", chains: [bad])
            }
            #expect(try session.filterTables() == [table: 1])
        }
    }

    private func output(_ program: String, _ arguments: [String]) throws -> String {
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        defer { posix_spawn_file_actions_destroy(&actions) }
        var pid = pid_t()
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { word in
            word.withCString { strdup($0) }
        }
        words.append(nil)
        defer { for word in words { free(word) } }
        try #require(posix_spawn(&pid, "/usr/sbin/\(program)", &actions, nil, &words, environ) == 0)
        close(ends[1])
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(ends[0], &buffer, buffer.count)
            if count <= 0 { break }
            bytes += buffer.prefix(count)
        }
        close(ends[0])
        var status: CInt = 0
        waitpid(pid, &status, 0)
        return String(decoding: bytes, as: UTF8.self)
    }
}
