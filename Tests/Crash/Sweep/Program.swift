import Foundation

/// Runs one program to its end and collects what it says. Standard input is empty.
struct Program {
    struct Result: CustomStringConvertible {
        var command: String
        var status: Int32
        var output: String
        var errors: String

        var lines: [String] { output.split(separator: "\n").map(String.init) }

        var description: String { "`\(command)` ended with \(status)\n\(output)\(errors)" }
    }

    var environment: [String: String] = [:]

    func run(_ path: String, _ arguments: [String]) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        // Files, not pipes: a daemon that outlives the program would keep a pipe open.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("program-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let texts = try ["out", "err"].map { name in
            let file = folder.appendingPathComponent(name)
            _ = FileManager.default.createFile(atPath: file.path, contents: nil)
            return (file, try FileHandle(forWritingTo: file))
        }
        process.standardOutput = texts[0].1
        process.standardError = texts[1].1
        try process.run()
        process.waitUntilExit()
        func text(_ file: URL) -> String { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }
        return Result(
            command: ([path] + arguments).joined(separator: " "), status: process.terminationStatus,
            output: text(texts[0].0), errors: text(texts[1].0))
    }
}
