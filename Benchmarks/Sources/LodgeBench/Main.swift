import Glibc

/// Measures Lodge beside the same work done bare, in turn in one run, and prints both with their ratio.
@main
struct Main {
    private static let usage = """
        usage: LodgeBench [--rounds N] [--only guests|networks|load|command] [--lodge PATH] [--networks N,N,…]

        Needs root. Everything happens in network namespaces and below /dev/shm/lodge-bench-*,
        which go at the end.
          --rounds N     pairs of each measurement (15)
          --only PART    only this part; may be given more than once
          --lodge PATH   the release binary whose start and memory are measured
          --networks N,… how many active networks are loaded (1,10,100,500)
        """

    static func main() async {
        do {
            let options = try Options(Array(CommandLine.arguments.dropFirst()))
            guard geteuid() == 0 else { throw Failure("network namespaces and taps need root") }
            try await run(options)
        } catch let failure as Options.Misuse {
            say("error: \(failure.text)\n\(usage)")
            exit(2)
        } catch {
            say("error: \(error)")
            exit(1)
        }
    }

    private static func run(_ options: Options) async throws {
        var report = Report()
        var failures = 0
        for part in options.parts {
            say("\(part.rawValue)")
            do {
                switch part {
                case .guests: try await Guests(rounds: options.rounds).measure(&report)
                case .networks: try await Networks(rounds: options.rounds).measure(&report)
                case .load:
                    try await Load(rounds: options.rounds, counts: options.networks, servers: 20, guests: 50)
                        .measure(&report)
                case .command: try await Command(rounds: options.rounds, program: options.program).measure(&report)
                }
            } catch {
                say("error: \(part.rawValue): \(error)")
                failures += 1
            }
        }
        report.note("bare: QEMU spawned with Lodge's own arguments; raw netlink; dnsmasq with Lodge's configuration")
        report.note("medians of \(options.rounds) pairs in turn; the ratio is the median of the pairs' ratios")
        report.note("of it cpu: what our side computed, where it does so alone; a busy machine lengthens the rest")
        let load = try contents("/proc/loadavg")
        report.note(
            "\(sysconf(Int32(_SC_NPROCESSORS_ONLN))) processors, load \(String(decoding: load.prefix(14), as: UTF8.self))"
        )
        report.printTable()
        if failures > 0 { throw Failure("\(failures) of \(options.parts.count) parts did not run") }
    }
}

/// The command line.
struct Options {
    enum Part: String, CaseIterable {
        case guests, networks, load, command
    }

    struct Misuse: Error {
        var text: String
    }

    var rounds = 15
    var parts: [Part] = []
    var program = "../.build/release/lodge"
    var networks = [1, 10, 100, 500]

    init(_ words: [String]) throws {
        var rest = words[...]
        while let word = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Misuse(text: "\(word) needs a value, or is unknown") }
            switch word {
            case "--rounds":
                guard let number = Int(value), (1...1000).contains(number) else {
                    throw Misuse(text: "--rounds takes 1 to 1000")
                }
                rounds = number
            case "--only":
                guard let part = Part(rawValue: value) else { throw Misuse(text: "there is no part '\(value)'") }
                parts.append(part)
            case "--lodge": program = value
            case "--networks":
                networks = try value.split(separator: ",").map { text in
                    guard let number = Int(text), (1...2000).contains(number) else {
                        throw Misuse(text: "--networks takes numbers from 1 to 2000")
                    }
                    return number
                }.sorted()
            default: throw Misuse(text: "unknown option '\(word)'")
            }
        }
        if parts.isEmpty { parts = Part.allCases }
    }
}
