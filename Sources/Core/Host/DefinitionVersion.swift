/// Which of an object's two definitions is meant.
public enum DefinitionVersion: String, Sendable, Hashable, CaseIterable {
    /// What runs, when it is active; else what is kept.
    case effective
    /// What runs.
    case live
    /// What the next start uses.
    case persistent
}
