/// One operation that is killed at each of its state-changing calls: what comes before it, itself, what must hold after.
struct Operation: Sendable, CustomStringConvertible {
    var name: String
    /// Brings the scratch host to the state in which the operation makes sense.
    var prepare: [[String]] = []
    var command: [String]
    /// Takes everything away again; a step that has nothing to do may fail.
    var finish: [[String]]
    /// What the command reports when its work was already done before it was killed.
    var doneAlready: [String] = []
    /// What must be there after the kill, wherever it came.
    var keeps: Set<Part> = []
    /// What the host shows once the command has worked.
    var outcome: Outcome
    /// Whether nothing is known of QEMU yet, so that the operation has to ask it.
    var isFirst = false

    enum Part: Sendable { case domain, network, qemu, dnsmasq }

    /// States as `list` and `net-list` show them; nil: there is none.
    struct Outcome: Sendable, Equatable {
        var domain: String?
        var network: String?
    }

    var description: String { name }

    private static let forget = [["undefine", "crash"], ["net-destroy", "crash"], ["net-undefine", "crash"]]

    static let all: [Operation] = [
        Operation(
            name: "define-first", command: ["define", "GUEST"], finish: [["undefine", "crash"]],
            outcome: Outcome(domain: "shut off"), isFirst: true),
        Operation(
            name: "define", command: ["define", "GUEST"], finish: [["undefine", "crash"]],
            outcome: Outcome(domain: "shut off")),
        Operation(
            name: "undefine", prepare: [["define", "GUEST"]], command: ["undefine", "crash"], finish: [],
            doneAlready: ["no domain has this name"], outcome: Outcome()),
        Operation(
            name: "start", prepare: [["define", "GUEST"], ["net-define", "NETWORK"], ["net-start", "crash"]],
            command: ["start", "crash"], finish: [["destroy", "crash"]] + forget, doneAlready: ["already active"],
            keeps: [.domain, .network, .dnsmasq], outcome: Outcome(domain: "running", network: "active")),
        Operation(
            name: "destroy",
            prepare: [["define", "GUEST"], ["net-define", "NETWORK"], ["net-start", "crash"], ["start", "crash"]],
            command: ["destroy", "crash"], finish: forget, doneAlready: ["not running"],
            keeps: [.domain, .network, .dnsmasq], outcome: Outcome(domain: "shut off", network: "active")),
        Operation(
            name: "suspend", prepare: [["define", "PLAIN"], ["start", "crash"]], command: ["suspend", "crash"],
            finish: [["destroy", "crash"], ["undefine", "crash"]], doneAlready: ["already paused"],
            keeps: [.domain, .qemu], outcome: Outcome(domain: "paused")),
        Operation(
            name: "net-define", command: ["net-define", "NETWORK"], finish: [["net-undefine", "crash"]],
            outcome: Outcome(network: "inactive")),
        Operation(
            name: "net-start", prepare: [["net-define", "NETWORK"]], command: ["net-start", "crash"],
            finish: [["net-destroy", "crash"], ["net-undefine", "crash"]], doneAlready: ["already active"],
            keeps: [.network], outcome: Outcome(network: "active")),
        Operation(
            name: "net-destroy", prepare: [["net-define", "NETWORK"], ["net-start", "crash"]],
            command: ["net-destroy", "crash"], finish: [["net-undefine", "crash"]], doneAlready: ["not active"],
            keeps: [.network], outcome: Outcome(network: "inactive")),
        // A load that has much to do: a guest to bury, a server to start again, a table to make again.
        Operation(
            name: "load",
            prepare: [
                ["define", "GUEST"], ["net-define", "NETWORK"], ["net-start", "crash"], ["start", "crash"],
                ["KILL-QEMU"], ["KILL-DNSMASQ"], ["DELETE-TABLE"],
            ],
            command: ["list", "--all"], finish: forget, keeps: [.domain, .network],
            outcome: Outcome(domain: "crashed", network: "active")),
    ]
}

/// Where in an operation the manager is killed.
struct KillPoint: Sendable, CustomStringConvertible {
    var operation: Operation
    /// The call's place among all state-changing calls of the operation, from 1.
    var index: Int
    var mode: Mode
    /// `call#count detail`, as the tracer named it.
    var call: String

    enum Mode: String, Sendable, CaseIterable {
        case before, after
        /// Only for a call that makes a process: it exists and has not run yet.
        case during
    }

    /// As `LODGE_TORTURE_POINT` takes it.
    var key: String { "\(operation.name):\(index):\(mode.rawValue)" }

    var description: String { "\(key) (\(call))" }
}
