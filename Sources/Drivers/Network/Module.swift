import LodgeCore
