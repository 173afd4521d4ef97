import ArgumentParser
import Lodge

/// The names that a shell offers: what the root holds that the words so far name.
enum Completion {
    static let domains = CompletionKind.custom { words, _, _ in
        await names(words) { host in try await host.domains().map(\.name) }
    }

    static let networks = CompletionKind.custom { words, _, _ in
        await names(words) { host in try await host.networks().map(\.name) }
    }

    /// A completion never complains, starts nothing and repairs what every load repairs.
    private static func names(
        _ words: [String], _ list: (Host) async throws -> [String]
    ) async -> [String] {
        do {
            var options = try GlobalOptions.hostOptions(
                root: value(of: "--root", in: words), netns: value(of: "--netns", in: words))
            options.autostart = false
            let host = try await Host.open(options)
            let names = try? await list(host)
            await host.close()
            return names ?? []
        } catch {
            return []
        }
    }

    private static func value(of option: String, in words: [String]) -> String? {
        for (word, next) in zip(words, words.dropFirst() + [""]) {
            if word == option && !next.isEmpty { return next }
            if word.hasPrefix(option + "=") { return String(word.dropFirst(option.count + 1)) }
        }
        return nil
    }
}
