import CLinux
import Glibc
import SystemPackage

/// The single owner of a descriptor. Handing over is `consuming`; `close()` is explicit, `deinit` the safety net.
public struct OwnedFD: ~Copyable, Sendable {
    /// The number, for the duration of a borrow.
    public let raw: CInt

    /// Takes over a descriptor that nobody else will close.
    public init(taking raw: CInt) { self.raw = raw }

    deinit { _ = Glibc.close(raw) }

    /// Closes now and reports what only `close` can report (EIO, ENOSPC, EDQUOT on network file systems).
    ///
    /// EINTR counts as closed: Linux frees the number before it can be interrupted (close(2)).
    public consuming func close() throws(LodgeError) {
        let number = release()
        guard Glibc.close(number) != 0 else { return }
        let errno = Errno(rawValue: Glibc.errno)
        if errno != .interrupted {
            throw LodgeError(.system, "cannot close a file", cause: .errno(errno, call: "close"))
        }
    }

    /// Closes on a thread of our own, for descriptors whose closing waits for the kernel's housekeeping and about whose
    /// end nobody needs to know.
    public consuming func closeElsewhere() {
        let number = release()
        do throws(LodgeError) { try OwnThread.start { _ = Glibc.close(number) } } catch { _ = Glibc.close(number) }
    }

    /// Gives up ownership without closing.
    public consuming func release() -> CInt {
        let number = raw
        discard self
        return number
    }

    /// A second descriptor of the same open file description, close-on-exec.
    public func duplicate() throws(LodgeError) -> OwnedFD {
        let raw = raw
        return OwnedFD(
            taking: try syscall("fcntl", "cannot duplicate a descriptor") { lodge_dup_cloexec(raw) })
    }
}
