public import LodgeCore

/// Definitions fitted to this host: what the pure resolver has to know of it, gathered.
extension QEMUDriver {
    /// The definition with its machine, default devices and addresses decided.
    func resolve(_ definition: DomainDefinition, context: OperationContext) throws(LodgeError) -> DomainDefinition {
        let binary = try emulator(of: definition)
        return try definition.resolved(
            ResolveInputs(
                capabilities: try capabilities(of: binary, context: context),
                kvm: definition.kind == .kvm ? try KVMState.probe(context: context) : .missing,
                firmware: FirmwareDescriptor.installed(logger: logger),
                nvramDirectory: "\(store.root.lib)/nvram"))
    }

    /// What a QEMU binary can do, from the cache when it is the same file still.
    func capabilities(of binary: String, context: OperationContext) throws(LodgeError) -> QEMUCapabilities {
        try .of(binary, cache: store.root.cache, context: context, features: features)
    }

    /// The QEMU that a definition names, else the one in the search path.
    func emulator(of definition: DomainDefinition) throws(LodgeError) -> String {
        let name = definition.devices.emulator ?? "qemu-system-x86_64"
        if let path = Launcher.find(name, searchPath: searchPath) { return path }
        // Other distributions keep QEMU elsewhere; a file from there need not be edited.
        if name == "/usr/bin/kvm" || name == "/usr/libexec/qemu-kvm" || name == "/usr/bin/qemu-kvm",
            let path = Launcher.find("qemu-system-x86_64", searchPath: searchPath)
        {
            return path
        }
        throw LodgeError(
            .missingDependency, "QEMU is not installed: there is no '\(name)'",
            object: ObjectReference(.domain, definition.name),
            hint: definition.devices.emulator == nil
                ? "apt-get install qemu-system-x86"
                : "remove <emulator> to use the one that is installed, or apt-get install qemu-system-x86")
    }
}

extension QEMUDriver {
    /// The QEMU in the search path and its version, nil when none is installed.
    public func emulatorVersion(context: OperationContext) throws(LodgeError) -> (path: String, version: String)? {
        guard let path = Launcher.find("qemu-system-x86_64", searchPath: searchPath) else { return nil }
        return (path, try capabilities(of: path, context: context).version.description)
    }

    /// Whether KVM runs a guest here, and what was found.
    public func kvmState(context: OperationContext) throws(LodgeError) -> (isUsable: Bool, text: String) {
        let state = try KVMState.probe(context: context)
        return (state == .works, state.description)
    }
}
