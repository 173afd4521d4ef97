import Glibc
import LodgeCore
import SystemPackage
import TestSupport
import Testing

@testable import LodgeQEMU

@Suite struct KVMProbeTests {
    @Test func saysWhatItFound() throws {
        #expect(try KVMState.probe(device: "/nonexistent/kvm", context: .test()) == .missing)
        // No device of KVM's: it does not know the question.
        let state = try KVMState.probe(device: "/dev/null", context: .test())
        #expect(state == .failed(step: .version, .inappropriateIOCTLForDevice), "\(state)")
        #expect("\(state)".contains("asking for its version"))
    }

    @Test func answersWithinItsTimeOnThisHost() throws {
        let clock = ContinuousClock()
        var state = KVMState.died
        let time = try clock.measure { state = try KVMState.probe(context: .test()) }
        #expect(state != .died)
        #expect(time < .milliseconds(1500), "\(time): \(state)")
    }

    @Test func leavesNoChildAndNoDescriptor() throws {
        let before = try #require(try Directory.names(of: "/proc/self/fd")).count
        for _ in 0..<3 { _ = try KVMState.probe(device: "/dev/null", context: .test()) }
        // Other tests run beside this one, so only growth by every round would be a leak.
        #expect(try #require(try Directory.names(of: "/proc/self/fd")).count < before + 100)
    }

    @Test func endsWithItsOperation() throws {
        let context = OperationContext.test()
        context.cancellation.cancel()
        #expect(throws: LodgeError.self) { try KVMState.probe(device: "/dev/zero", context: context) }
    }

    @Test func refusingKVMNamesWhatWouldRun() throws {
        var definition = try Fixtures.domain("windows-10-q35-ovmf")
        definition.kind = .kvm
        let error = #expect(throws: LodgeError.self) { try definition.resolved(Fixtures.inputs(kvm: .tooSlow)) }
        let text = "\(try #require(error))"
        #expect(text.contains("counts to a million"))
        #expect(text.contains("<domain type='qemu'> would run"))
        #expect(text.contains("<cpu mode='maximum'>"))
    }
}
