import CLinux
import Glibc
public import LodgeCore
import SystemPackage

extension KVMState {
    /// How long the guest may take: a millisecond is usual.
    static let patience = Duration.milliseconds(500)

    /// Tries KVM with a guest of a few instructions, in a child process that is gone on return.
    ///
    /// - Parameter device: another file than `/dev/kvm`, for tests.
    public static func probe(device: String = "/dev/kvm", context: OperationContext) throws(LodgeError) -> KVMState {
        if case .failure(.noSuchFileOrDirectory) = attempt({ unsafe access(device, F_OK) }) { return .missing }
        var ends: [CInt] = [-1, -1]
        try syscall("pipe", "cannot make a pipe") {
            unsafe ends.withUnsafeMutableBufferPointer { unsafe lodge_pipe($0.baseAddress) }
        }
        let reading = OwnedFD(taking: ends[0])
        let writing = OwnedFD(taking: ends[1])
        var number: CInt = -1
        try syscall("clone", "cannot start a process to try KVM") {
            unsafe lodge_kvm_probe_start(device, writing.raw, &number)
        }
        let child = OwnedFD(taking: number)
        defer { end(child) }
        // Else the pipe would not end when the child dies.
        try writing.close()
        do throws(LodgeError) {
            try context.wait(for: reading.raw, events: Int16(POLLIN), until: .after(patience), "trying KVM")
        } catch {
            guard error.code == .timeout else { throw error }
            // The operation's own deadline is an error, the guest's an answer.
            try context.check()
            return .tooSlow
        }
        var finding = lodge_kvm_finding()
        let size = MemoryLayout<lodge_kvm_finding>.size
        let count = try syscall("read", "cannot read from a pipe") {
            unsafe read(reading.raw, &finding, size)
        }
        return count == size ? KVMState(finding) : .died
    }

    private init(_ finding: lodge_kvm_finding) {
        let errno = Errno(rawValue: finding.error)
        let done = Int32(LODGE_KVM_DONE.rawValue)
        switch Step(rawValue: finding.step) {
        case .open?: self = errno == .noSuchFileOrDirectory ? .missing : .forbidden(errno)
        case .version? where finding.error == 0: self = .otherInterface(finding.value)
        case let step?: self = .failed(step: step, errno)
        case nil where finding.step == done:
            self = finding.value == lodge_kvm_exit_hlt() ? .works : .otherExit(finding.value)
        case nil: self = .died
        }
    }

    /// Kills and reaps, for up to a second: a process inside KVM_RUN ends at its next exit.
    private static func end(_ child: borrowing OwnedFD) {
        _ = attempt { lodge_pidfd_signal(child.raw, SIGKILL) }
        var polled = pollfd(fd: child.raw, events: Int16(POLLIN), revents: 0)
        _ = attempt { unsafe poll(&polled, 1, 1000) }
        var status = lodge_exit()
        _ = unsafe lodge_pidfd_reap(child.raw, &status)
    }
}
