public import SystemPackage

/// What a one-instruction guest found out about KVM on this host.
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
    /// The guest did not halt in time: KVM spins.
    case hangs
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
            case .run: "running one instruction"
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
        case .hangs: "/dev/kvm is there, but a guest of one instruction did not end in time"
        case .otherExit(let reason): "/dev/kvm is there, but a guest of one instruction left with exit reason \(reason)"
        case .died: "/dev/kvm is there, but the process that tried it died"
        }
    }
}
