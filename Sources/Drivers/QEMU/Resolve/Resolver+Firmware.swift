import LodgeCore

extension Resolver {
    mutating func resolveFirmware() {
        chooseFirmware()
        guard var loader = definition.os.loader, loader.path != nil else { return checkStoreless() }
        guard loader.kind == .pflash else {
            if loader.isSecure == true {
                refuse("<loader secure='yes'> needs type='pflash'", .invalidXML, hint: "add type='pflash'")
            }
            return checkStoreless()
        }
        loader.isReadOnly = loader.isReadOnly ?? true
        if loader.isReadOnly == false {
            refuse(
                "a loader of type='pflash' that the guest may write is not supported",
                hint: "readonly='yes' with an <nvram> would work")
        }
        definition.os.loader = loader
        if loader.isSecure == true {
            if !isQ35 {
                refuse("<loader secure='yes'> needs a q35 machine", hint: "machine='q35' would work")
            }
            if definition.features?.smm == false {
                refuse("<loader secure='yes'> needs SMM", .invalidXML, hint: "<smm state='on'/> would work")
            } else {
                definition.features = definition.features ?? FeaturesDefinition()
                definition.features?.smm = true
            }
        }
        if definition.features?.acpi != true {
            refuse("UEFI firmware needs ACPI", .invalidXML, hint: "add <features><acpi/></features>")
        }
        guard loader.isStateless != true else {
            if definition.os.nvram != nil {
                refuse("<loader stateless='yes'> has no <nvram>", .invalidXML, hint: "remove one of them")
            }
            return
        }
        var nvram = definition.os.nvram ?? OSDefinition.NVRAM()
        nvram.path = nvram.path ?? "\(inputs.nvramDirectory)/\(definition.name)_VARS.fd"
        nvram.template = nvram.template ?? template(for: loader.path)
        definition.os.nvram = nvram
    }

    private mutating func checkStoreless() {
        guard definition.os.nvram != nil else { return }
        refuse(
            "<nvram> without a <loader type='pflash'>", .invalidXML,
            hint: "use <os firmware='efi'>, or add the loader's path and type='pflash'")
    }

    /// `<os firmware='efi'>`: the first description that fits, as libvirt chooses.
    private mutating func chooseFirmware() {
        switch definition.os.firmware {
        case nil: return
        case .bios:
            if definition.os.loader?.path != nil || !definition.os.firmwareFeatures.isEmpty {
                refuse(
                    "<os firmware='bios'> with a loader or features", .invalidXML,
                    hint: "remove the <loader> and <firmware>")
            }
            return
        case .efi:
            guard definition.os.loader?.path == nil else { return }
        }
        if let kind = definition.os.loader?.kind, kind != .pflash {
            refuse("<os firmware='efi'> with <loader type='rom'>", .invalidXML, hint: "remove the type")
            return
        }
        let request = FirmwareRequest(
            architecture: (definition.os.architecture ?? .x86_64).rawValue, machine: definition.os.machine ?? "",
            features: definition.os.firmwareFeatures, secure: definition.os.loader?.isSecure,
            stateless: definition.os.loader?.isStateless ?? false, smm: definition.features?.smm)
        guard let found = inputs.firmware.first(where: { $0.fits(request) }) else {
            refuse(
                inputs.firmware.isEmpty
                    ? "there is no UEFI firmware on this host"
                    : "no UEFI firmware on this host fits \(request.description)",
                inputs.firmware.isEmpty ? .missingDependency : .unsupported,
                hint: inputs.firmware.isEmpty
                    ? "install the package ovmf" : "relax <firmware>, or name a <loader type='pflash'> and <nvram>")
            return
        }
        var loader = definition.os.loader ?? OSDefinition.Loader(path: nil)
        loader.path = found.executable
        loader.kind = .pflash
        loader.isReadOnly = true
        loader.isSecure = found.requiresSMM
        definition.os.loader = loader
        guard loader.isStateless != true else { return }
        var nvram = definition.os.nvram ?? OSDefinition.NVRAM()
        nvram.template = nvram.template ?? found.template
        definition.os.nvram = nvram
    }

    /// The template that belongs to a loader named by hand.
    private func template(for loader: String?) -> String? {
        guard let loader else { return nil }
        if let known = inputs.firmware.first(where: { $0.executable == loader }) { return known.template }
        // The 2 MiB images of Debian's ovmf, which no description names.
        switch loader {
        case "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_CODE.secboot.fd":
            return "/usr/share/OVMF/OVMF_VARS.fd"
        case "/usr/share/OVMF/OVMF_CODE.ms.fd": return "/usr/share/OVMF/OVMF_VARS.ms.fd"
        default: return nil
        }
    }
}
