import FoundationEssentials
import LodgeCore

/// The disks of a start, as claims that QEMU holds while it lives: a disk that one guest writes is no other's.
struct DiskClaims {
    var claims: [Claim] = []
    var resources: [Resource] = []

    /// - Throws: `notFound`, `permission` for a disk that is not there or cannot be opened.
    init(_ definition: DomainDefinition) throws(LodgeError) {
        for disk in definition.devices.disks {
            guard let source = disk.source else { continue }
            let path = source.path
            guard let disk = try Claim.disk(path, shared: disk.isReadOnly || disk.isShareable) else {
                throw LodgeError(
                    .notFound, "the disk '\(disk.target)' is not there: '\(path)' does not exist",
                    object: ObjectReference(.domain, definition.name),
                    hint: "create it: qemu-img create -f \(disk.format.rawValue) '\(path)' 10G")
            }
            claims.append(disk.claim)
            resources.append(disk.resource)
        }
    }
}

/// The TCP ports of a start's VNC servers: those that the definition names, and free ones where it leaves them open.
struct VNCPorts {
    var chosen: [Int: UInt16] = [:]
    var claims: [Claim] = []
    var resources: [Resource] = []

    /// - Throws: `busy` when a port that the definition names is taken, or all are.
    init(_ definition: DomainDefinition, namespace: NetworkNamespace, store: Store) throws(LodgeError) {
        for (index, graphics) in definition.devices.graphics.enumerated() {
            guard case .vnc(let vnc) = graphics, case .address(let address) = vnc.listen else { continue }
            func claim(_ port: UInt16) -> Claim {
                Claim("tcp:\(namespace.cookie):\(port)", exclusive: true, what: "TCP port \(port)")
            }
            func isFree(_ port: UInt16) throws(LodgeError) -> Bool {
                guard !chosen.values.contains(port), try !claim(port).isTaken(in: store.claimsPath) else {
                    return false
                }
                return TCPPort.isFree(port, address: address ?? "127.0.0.1")
            }
            let port: UInt16
            if let wanted = vnc.port, !vnc.autoport {
                guard try isFree(wanted) else {
                    throw LodgeError(
                        .busy, "TCP port \(wanted) of its VNC server is taken",
                        object: ObjectReference(.domain, definition.name),
                        hint: "choose another port, or autoport='yes'")
                }
                port = wanted
            } else {
                port = try Self.first(in: 5900...6899, isFree)
            }
            chosen[index] = port
            claims.append(claim(port))
            resources.append(.tcpPort(Int(port)))
        }
    }

    private static func first(
        in range: ClosedRange<UInt16>, _ isFree: (UInt16) throws(LodgeError) -> Bool
    ) throws(LodgeError) -> UInt16 {
        for port in range where try isFree(port) { return port }
        throw LodgeError(.busy, "all TCP ports from \(range.lowerBound) to \(range.upperBound) are taken")
    }
}

extension QEMUDriver {
    /// A launch that failed because another guest holds a claim, with that guest's name.
    func naming(holderOf error: LodgeError, uuid: UUID, record: StatusRecord) -> LodgeError {
        guard error.code == .busy, let records = try? activeRecords() else { return error }
        let own = Set(record.resources.compactMap(\.claimed))
        var error = error
        for other in records where other.uuid != uuid {
            for resource in other.resources where resource.claimed.map(own.contains) ?? false {
                error.object = record.reference
                error.hint = "\(other.reference) uses it; a disk that several guests may use is <shareable/> in all"
                return error
            }
        }
        return error
    }
}

extension Resource {
    /// What two guests may not both have.
    fileprivate var claimed: String? {
        switch self {
        case .disk(let device, let inode, _, _): "\(device):\(inode)"
        case .tcpPort(let port): "\(port)"
        default: nil
        }
    }
}
