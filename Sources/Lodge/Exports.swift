// Who imports Lodge needs the values of its core: definitions, states, errors, the root directory.
@_exported public import LodgeCore
