import CLinux
import Glibc
import SystemPackage

/// Starts programs, so that the host program does not notice: no signal, no handler, no descriptor left behind.
public enum Launcher {
    /// Starts a program and returns once it is executed.
    ///
    /// The child shares the caller's memory and stops the calling thread until then (vfork(2) in effect). It is no
    /// child that `wait` finds until it has executed; afterwards the host program's own wait loop may reap it, which
    /// nothing here depends on.
    ///
    /// - Throws: any failure before or in exec, with the step and its errno; nothing is left then.
    public static func launch(_ spec: LaunchSpec, features: KernelFeatures) throws(LodgeError) -> LaunchedProcess {
        try spec.check()
        let null = OwnedFD(
            taking: try syscall("open", "cannot open /dev/null") { unsafe Glibc.open("/dev/null", O_RDWR | O_CLOEXEC) })
        func number(_ standard: LaunchSpec.Standard) -> CInt {
            if case .descriptor(let number) = standard { number } else { null.raw }
        }
        var plan = [
            LaunchSpec.Descriptor(source: number(spec.standardInput), target: 0),
            LaunchSpec.Descriptor(source: number(spec.standardOutput), target: 1),
            LaunchSpec.Descriptor(source: number(spec.standardError), target: 2),
        ]
        plan += spec.descriptors
        let claims = try spec.claims.map { (claims) throws(LodgeError) in
            try claims.makeFile()
            plan.append(LaunchSpec.Descriptor(source: -1, target: claims.target))
            return (file: claims, index: Int32(plan.count - 1))
        }
        guard let lease = spec.lease else {
            return try clone(spec, plan, lease: nil, claims: claims, features: features)
        }
        let prepared = try Lease.Prepared(path: lease.path)
        plan.append(LaunchSpec.Descriptor(source: -1, target: lease.target))
        let place = LeasePlace(
            directory: prepared.directory, name: prepared.name, inode: prepared.inode, index: Int32(plan.count - 1))
        do throws(LodgeError) {
            return try clone(spec, plan, lease: place, claims: claims, features: features)
        } catch {
            prepared.remove()
            throw error
        }
    }

    /// Where the child finds its lease, and which of its descriptors it becomes.
    private struct LeasePlace {
        var directory: CInt
        var name: String
        var inode: UInt64
        var index: Int32
    }

    private static func clone(
        _ spec: LaunchSpec, _ plan: [LaunchSpec.Descriptor], lease: LeasePlace?,
        claims: (file: LaunchSpec.ClaimsFile, index: Int32)?, features: KernelFeatures
    ) throws(LodgeError) -> LaunchedProcess {
        let arguments = CStrings(spec.arguments)
        let environment = CStrings(spec.environment)
        let paths = CStrings([spec.executable, lease?.name ?? "", claims?.file.path ?? ""])
        var sources = plan.map(\.source)
        let targets = plan.map(\.target)
        let kept = targets.sorted()
        var launch = unsafe lodge_launch()
        unsafe launch.path = unsafe UnsafePointer(paths.base[0])
        unsafe launch.arguments = unsafe UnsafePointer(arguments.base)
        unsafe launch.environment = unsafe UnsafePointer(environment.base)
        unsafe launch.parent = getpid()
        unsafe launch.lease_directory = lease?.directory ?? -1
        unsafe launch.lease_name = unsafe UnsafePointer(paths.base[1])
        unsafe launch.lease_inode = lease?.inode ?? 0
        unsafe launch.lease_index = lease?.index ?? -1
        unsafe launch.claims_path = claims == nil ? nil : unsafe UnsafePointer(paths.base[2])
        unsafe launch.claims_index = claims?.index ?? -1
        let offsets = claims?.file.claims.map(\.offset) ?? []
        let exclusive = claims?.file.claims.map { $0.exclusive ? UInt8(1) : 0 } ?? []
        unsafe launch.claim_count = Int32(offsets.count)
        unsafe launch.count = Int32(plan.count)
        unsafe launch.capabilities = spec.capabilities.reduce(0) { $0 | 1 << UInt64($1.number) }
        unsafe launch.no_new_privileges = spec.noNewPrivileges ? 1 : 0
        unsafe launch.ends_with_caller = spec.endsWithCaller ? 1 : 0
        unsafe launch.use_clone3 = features.clone3 ? 1 : 0
        unsafe launch.use_close_range = features.closeRange ? 1 : 0
        var number: CInt = -1
        // The arrays stay where they are for the whole of the call, in which the child executes or ends.
        let result = unsafe sources.withUnsafeMutableBufferPointer { sources in
            unsafe targets.withUnsafeBufferPointer { targets in
                unsafe kept.withUnsafeBufferPointer { kept in
                    unsafe offsets.withUnsafeBufferPointer { offsets in
                        unsafe exclusive.withUnsafeBufferPointer { exclusive in
                            unsafe launch.sources = sources.baseAddress
                            unsafe launch.targets = targets.baseAddress
                            unsafe launch.kept = kept.baseAddress
                            unsafe launch.claim_offsets = offsets.baseAddress
                            unsafe launch.claim_exclusive = exclusive.baseAddress
                            let pid = unsafe lodge_start(&launch, &number)
                            return pid >= 0 ? Result.success(pid) : .failure(Errno(rawValue: Glibc.errno))
                        }
                    }
                }
            }
        }
        let what = "cannot start '\(spec.executable)'"
        let pid: CInt
        switch result {
        case .success(let number): pid = number
        case .failure(let errno): throw LodgeError(.init(errno), what, cause: .errno(errno, call: "clone"))
        }
        let pidfd = PidFD(taking: OwnedFD(taking: number))
        let (step, code) = unsafe (launch.step, launch.error)
        guard code == 0, step == Int32(LODGE_STEP_EXECUTE.rawValue) else {
            discard(pidfd, features: features)
            let failed = Int(unsafe launch.failed_claim)
            if step == Int32(LODGE_STEP_LOCK_CLAIM.rawValue), code == EAGAIN || code == EACCES,
                let claims = claims?.file.claims, claims.indices.contains(failed)
            {
                throw LodgeError(.busy, "\(claims[failed].what) is in use by another guest")
            }
            throw failure(what, step: step, code: code)
        }
        let line = unsafe withUnsafeBytes(of: &launch.stat) { unsafe Array($0) }
        let length = min(max(0, Int(unsafe launch.stat_length)), line.count)
        let identity: ProcessIdentity
        if var own = ProcessIdentity(stat: line[..<length]) {
            own.inode = try pidfd.inode(features: features)
            own.namespace = ProcessIdentity.currentNamespace()
            identity = own
        } else {
            _ = try? pidfd.signal(SIGKILL)
            discard(pidfd, features: features)
            throw LodgeError(.system, "\(what): /proc/self/stat is not as it should be")
        }
        guard identity.pid == pid else {
            _ = try? pidfd.signal(SIGKILL)
            discard(pidfd, features: features)
            throw LodgeError(
                .unsupported, "\(what): /proc shows another pid namespace than that of this process",
                hint: "mount a /proc of this pid namespace")
        }
        return LaunchedProcess(identity: identity, pidfd: pidfd)
    }

    /// Waits for a child that has failed and reaps it.
    private static func discard(_ pidfd: borrowing PidFD, features: KernelFeatures) {
        var polled = pollfd(fd: pidfd.descriptor, events: Int16(POLLIN), revents: 0)
        // It is past its last instruction; the bound is for a machine that swaps.
        _ = attempt { unsafe Glibc.poll(&polled, 1, 5000) }
        _ = pidfd.exitStatus(features: features)
    }

    private static func failure(_ what: String, step: Int32, code: Int32) -> LodgeError {
        let name = steps.indices.contains(Int(step)) ? steps[Int(step)] : ("an unknown step", "")
        if code == 0 { return LodgeError(.system, "\(what): it was killed in the step to \(name.0)") }
        let errno = Errno(rawValue: code)
        return LodgeError(
            LodgeError.Code(errno), "\(what): it could not \(name.0)", cause: .errno(errno, call: name.1))
    }

    /// What `enum lodge_step` counts, for messages: what was to be done and the call.
    private static let steps: [(String, String)] = [
        ("begin", "clone"), ("read its own identity", "read"), ("open the lease", "open"), ("lock the lease", "fcntl"),
        ("use the lease, which was withdrawn", "fstat"), ("write the lease", "write"),
        ("open the file of claims", "open"), ("claim what it needs", "fcntl"),
        ("find its parent alive", "getppid"), ("begin a session", "setsid"), ("reset its signals", "rt_sigaction"),
        ("change to the root directory", "chdir"), ("limit core dumps", "prlimit"),
        ("move its descriptors", "dup3"), ("close other descriptors", "close_range"),
        ("drop its bounding set", "prctl"), ("set its capabilities", "capset"), ("keep capabilities", "prctl"),
        ("give up new privileges", "prctl"), ("execute it", "execve"),
    ]

    /// Where a program is: the first executable file of that name in the directories. A name with a `/` is a path.
    public static func find(_ program: String, searchPath: [String]) -> String? {
        let candidates = program.contains("/") ? [program] : searchPath.map { "\($0)/\(program)" }
        return candidates.first { path in
            guard path.hasPrefix("/"), let status = try? FileStatus(path: path), status.isRegular else { return false }
            return unsafe access(path, X_OK) == 0
        }
    }
}

/// A program that was started.
public struct LaunchedProcess: ~Copyable, Sendable {
    public let identity: ProcessIdentity
    public let pidfd: PidFD

    /// Its descriptor alone.
    public consuming func takePidFD() -> PidFD { pidfd }
}

/// A null-terminated array of C strings, as execve(2) takes it.
@safe
private final class CStrings {
    let base: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        unsafe base = .allocate(capacity: strings.count + 1)
        count = strings.count
        for (index, string) in strings.enumerated() {
            let bytes = string.utf8
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
            for (offset, byte) in bytes.enumerated() {
                unsafe (copy + offset).initialize(to: CChar(bitPattern: byte))
            }
            unsafe (copy + bytes.count).initialize(to: 0)
            unsafe (base + index).initialize(to: copy)
        }
        unsafe (base + strings.count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { unsafe base[index]?.deallocate() }
        unsafe base.deallocate()
    }
}
