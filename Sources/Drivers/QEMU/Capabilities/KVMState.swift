public import SystemPackage

/// What a guest of a few instructions found out about KVM on this host.
public enum KVMState: Sendable, Hashable {
    /// The guest ran and halted.
    case works
    /// There is no `/dev/kvm`.
    case missing
    /// `/dev/kvm` cannot be opened.
    case forbidden(Errno)
    /// Another version of KVM's interface than 12, which has been the only one since 2007.
    case otherInterface(Int32)
    /// Making or running the guest failed.
    case failed(step: Step, Errno)
    /// The guest did not halt in time: KVM spins, or emulates each instruction.
    case tooSlow
    /// The guest left with this reason instead of halting (`KVM_EXIT_…` in linux/kvm.h).
    case otherExit(Int32)
    /// The trying process died.
    case died

    /// What the probe was doing.
    public enum Step: Int32, Sendable {
        case open = 1
        case version, createVM, memory, createCPU, mapCPU, registers, run

        var text: String {
            switch self {
            case .open: "opening it"
            case .version: "asking for its version"
            case .createVM: "creating a virtual machine"
            case .memory: "giving it memory"
            case .createCPU: "creating a processor"
            case .mapCPU: "mapping the processor's state"
            case .registers: "setting the processor's registers"
            case .run: "running a guest"
            }
        }
    }
}

extension KVMState: CustomStringConvertible {
    public var description: String {
        switch self {
        case .works: "KVM works"
        case .missing: "there is no /dev/kvm"
        case .forbidden(let errno): "/dev/kvm cannot be opened (\(errno))"
        case .otherInterface(let version): "/dev/kvm speaks version \(version) of its interface, 12 is needed"
        case .failed(let step, let errno): "/dev/kvm is there, but \(step.text) failed (\(errno))"
        case .tooSlow:
            "/dev/kvm is there, but a guest that counts to a million did not end in time: "
                + "it hangs, or each instruction is emulated"
        case .otherExit(let reason): "/dev/kvm is there, but a guest that counts left with exit reason \(reason)"
        case .died: "/dev/kvm is there, but the process that tried it died"
        }
    }
}
