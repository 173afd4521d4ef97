import ArgumentParser
import Lodge

/// A command that works on an opened root. What it does is in ``run(on:_:)``; opening, telling what the load found, and
/// closing are the same for all.
protocol Verb: AsyncParsableCommand {
    var global: GlobalOptions { get }
    func run(on host: Host, _ output: Output) async throws
}

/// A verb that changes nothing and can answer in JSON.
protocol Query: Verb {
    var format: QueryOptions { get }
}

extension Verb {
    mutating func run() async throws {
        let output = Output(quiet: global.quiet, json: (self as? any Query)?.format.json ?? false)
        let host = try await Host.open(try global.hostOptions())
        do {
            for event in host.loadReport { output.report(event) }
            try await run(on: host, output)
        } catch {
            await host.close()
            throw error
        }
        await host.close()
    }
}
