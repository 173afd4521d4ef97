import Glibc
import Lodge

/// The user's terminal with every key passed on as it is, restored when this value goes.
struct RawTerminal: ~Copyable {
    private let before: termios

    private init(before: termios) { self.before = before }

    /// - Throws: `.invalidState` when standard input is no terminal.
    static func enter() throws(LodgeError) -> RawTerminal {
        var settings = termios()
        guard isatty(STDIN_FILENO) == 1, unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else {
            throw LodgeError(
                .invalidState, "standard input is not a terminal",
                hint: "run it from a terminal, or use the device itself, which `lodge dumpxml` names")
        }
        let before = settings
        unsafe cfmakeraw(&settings)
        guard unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings) == 0 else {
            throw LodgeError(.system, "cannot set up the terminal", cause: .text(InputFile.text(errno)))
        }
        return RawTerminal(before: before)
    }

    deinit {
        var settings = before
        _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
    }
}
