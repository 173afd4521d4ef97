import ArgumentParser
import Glibc
import Lodge

struct Run: Verb {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Start a transient domain from an XML file and stay with it until it stops.",
        discussion: """
            For systemd, a container or a terminal: the exit code is 0 when the guest was shut off, 1 when it crashed. \
            SIGTERM, SIGINT and SIGHUP press its power button; a second one, or the end of --timeout, stops it at once. \
            Killed by SIGKILL it leaves the guest running, and any other command takes over.
            """)

    @OptionGroup var file: FileArgument
    @Flag(help: "Leave the guest paused before its first instruction.")
    var paused = false
    @Flag(help: "Start the networks it is plugged into when they are defined but inactive.")
    var withNetworks = false
    @Option(help: ArgumentHelp("How long the guest may take to shut down, 0 for no limit.", valueName: "seconds"))
    var timeout = 60
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if !(0...86400).contains(timeout) { throw ValidationError("--timeout takes 0 to 86400 seconds") }
    }

    func run(on host: Host, _ output: Output) async throws {
        let input = try file.read()
        // From here on: a signal during the start is answered once the guest can be.
        let signals = try Signals.all()
        let options = StartOptions(paused: paused, withNetworks: withNetworks)
        let (domain, events) = try await host.run(xml: input.xml, file: input.file, options: options)
        if !format.json { try output.confirm("Domain '\(domain.name)' created from \(file.name)") }
        let stopper = Task { await stop(domain, on: signals, output) }
        defer { stopper.cancel() }
        var last: DomainEvent?
        for await event in events {
            if !output.quiet || format.json { try EventText.print(event, of: domain.name, json: format.json, output) }
            last = event
        }
        if last?.detail == "crashed" || last?.kind == .panicked { throw QuietFailure() }
    }

    /// The first signal presses the power button, the second pulls the plug; so does the end of the timeout. What comes
    /// within half a second of the first is the same request: timeout(1) and terminals signal the process and its group.
    private func stop(_ domain: Domain, on signals: AsyncStream<CInt>, _ output: Output) async {
        var pressed: ContinuousClock.Instant?
        var timer: Task<Void, Never>?
        for await _ in signals {
            do {
                if let pressed {
                    if pressed.duration(to: .now) > .milliseconds(500) { try await domain.destroy() }
                } else {
                    pressed = .now
                    output.note("shutting '\(domain.name)' down; once more stops it at once")
                    try await domain.shutdown()
                    if timeout > 0 { timer = Task { await expire(domain, output) } }
                }
            } catch {
                Failure.complain("\(error)")
            }
        }
        timer?.cancel()
    }

    private func expire(_ domain: Domain, _ output: Output) async {
        do {
            try await Task.sleep(for: .seconds(timeout))
            output.note("'\(domain.name)' did not shut down in \(timeout) s; stopping it")
            try await domain.destroy()
        } catch {
            if !(error is CancellationError) { Failure.complain("\(error)") }
        }
    }
}

struct Event: Verb {
    static let configuration = CommandConfiguration(
        commandName: "event", abstract: "Wait for what happens to a domain and print it.",
        discussion: "A domain tells its events to one listener: another command that supervises it keeps this one out.")

    @OptionGroup var domain: DomainArgument
    @Option(
        name: .customLong("event"), help: ArgumentHelp("Only events of this kind.", valueName: "kind"),
        completion: .list(DomainEvent.Kind.allNames))
    var kind: String?
    @Flag(help: "Events of all kinds (the default).")
    var all = false
    @Flag(help: "Go on after the first.")
    var loop = false
    @Flag(help: "Print when it happened.")
    var timestamp = false
    @Option(help: ArgumentHelp("Stop waiting after this time.", valueName: "seconds"))
    var timeout: Int?
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if let kind, DomainEvent.Kind(rawValue: kind) == nil {
            throw ValidationError("no event '\(kind)'; there is \(DomainEvent.Kind.allNames.joined(separator: ", "))")
        }
        if let timeout, !(1...86400).contains(timeout) { throw ValidationError("--timeout takes 1 to 86400 seconds") }
    }

    func run(on host: Host, _ output: Output) async throws {
        let domain = try await domain.find(on: host)
        let events = try await domain.supervise()
        let signals = try Signals.all()
        let listener = Task {
            for await _ in signals {
                events.cancel()
                return
            }
        }
        let timer = Task {
            guard let timeout else { return }
            try? await Task.sleep(for: .seconds(timeout))
            events.cancel()
        }
        defer {
            listener.cancel()
            timer.cancel()
        }
        var received = 0
        for await event in events where kind == nil || event.kind.rawValue == kind {
            try EventText.print(event, of: domain.name, json: format.json, timestamp: timestamp, output)
            received += 1
            if !loop { break }
        }
        events.cancel()
        if !format.json { try output.confirm("events received: \(received)") }
    }
}

extension DomainEvent.Kind {
    static let allNames = [
        started, suspended, resumed, shutdown, reset, panicked, watchdog, ioError, restarted, stopped,
    ].map(\.rawValue)
}

/// One event a line.
enum EventText {
    static func print(
        _ event: DomainEvent, of domain: String, json: Bool, timestamp: Bool = true, _ output: Output
    ) throws {
        if json {
            try output.line(try Output.json(event, onOneLine: true))
            return
        }
        let time =
            timestamp
            ? LocalTime.text(secondsSince1970: event.time / 1000, "%Y-%m-%d %H:%M:%S") + " " : ""
        let detail = event.detail.isEmpty ? "" : " (\(event.detail))"
        try output.line("\(time)\(domain): \(event.kind.rawValue)\(detail)")
    }
}
