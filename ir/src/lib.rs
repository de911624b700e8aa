//! Sinew's typed tensor IR: dims, types, the op table, functions, pullbacks, linker, simplifier and
//! reference interpreter.

mod attribute;
mod builder;
mod dim;
mod dtype;
mod function;
mod op;
pub mod ops;
mod scalar;
mod shape;
mod unit;

pub use attribute::{Attribute, AttributeKind, AttributeSpec, Attributes, Of};
pub use builder::Builder;
pub use dim::{Atom, Dim, DimError, Symbol};
pub use dtype::DType;
pub use function::{
    Call, Constraint, Function, Inst, Location, OpInst, Param, ParamKind, PullbackBody,
    PullbackCall, Relation, SymbolDecl, SymbolKind, Value,
};
pub use op::{Arity, Kind, Op, OpDef, OpError, Primal, Pullback, Reduction, TestData, View};
pub use scalar::Scalar;
pub use shape::{Axis, Shape, Type};
pub use unit::Unit;
