//! Sinew's typed tensor IR: dims, types, the op table, functions, pullbacks, linker, simplifier and
//! reference interpreter.

mod activity;
mod array;
mod attribute;
pub mod attributes;
mod batch;
mod bind;
mod block;
mod builder;
mod call;
mod carried_sums;
pub mod compose;
pub mod cost;
mod dead;
mod decompose;
mod dim;
mod dtype;
mod function;
mod half;
mod index_bounds;
mod interpret;
mod link;
mod op;
pub mod ops;
mod parts;
mod pullback;
mod recompute;
mod reverse;
mod rows;
pub mod scalar;
mod shape;
mod shares;
mod simplify;
mod slicewise;
mod splice;
mod structs;
mod symbol;
mod text;
mod threefry;
mod unit;
mod verify;
mod vjp;
mod widen;

pub use activity::CalleeInfo;
pub use array::Array;
pub use attribute::{Attribute, AttributeKind, AttributeSpec, Attributes, ShapeSource};
pub use batch::BatchError;
pub use bind::{BindError, Binding};
pub use block::{Block, Inst, Loop, OpInst, Order, Sliced};
pub use builder::Builder;
pub use call::{
    Alternative, Call, CallMode, LoopMode, LoopParam, LoopResult, Map, PullbackCall, Target,
};
pub use decompose::{DecomposeError, decompose};
pub use dim::{Atom, Dim, DimError, Monomial, Symbol, Terms};
pub use dtype::DType;
pub use function::{
    Constraint, Function, Location, Origin, Param, ParamKind, PullbackBody, Relation, Value,
};
pub use index_bounds::{IndexBound, index_bounds};
pub use interpret::{InterpretError, NonFinite, first_non_finite, interpret, interpret_through};
pub use link::{
    Assumptions, Gradient, LinkError, Probed, Probes, dependence, inline, inline_each, link,
    link_gradient, link_gradient_probed, link_probed, link_pullback,
};
pub use op::{
    Arity, Instance, Kind, Op, OpClass, OpDef, OpError, Primal, Probe, Pullback, PullbackRule,
    Reduction, RunValue, Scan, TestData, View,
};
pub use ops::ascending;
pub use parts::{Join, over_parts};
pub use pullback::{PullbackError, PullbackProblem, derive_pullback};
#[cfg(feature = "testing")]
pub use recompute::each_recomputed;
pub use recompute::{Again, Recomputed, Why, recomputed};
pub use rows::{RowsMeet, rows_stay_apart};
pub use scalar::{Scalar, ScalarDef, remainder};
pub use shape::{Axis, MAX_BYTES, Shape, Type, byte_count};
pub use shares::{Shares, shares};
pub use simplify::simplify;
pub use slicewise::{Worth, slicewise};
pub use structs::{StructArgument, StructParam, field_path};
pub use symbol::{
    Condition, Number, SymbolDecl, SymbolKind, SymbolSource, SymbolTerm, SymbolType, SymbolValue,
    Test,
};
pub use text::{ParseError, ParseProblem, parse};
pub use threefry::{halves, threefry};
pub use unit::Unit;
pub use verify::{Broken, Stage, VerifyError, verify, verify_program, verify_stage};
pub use vjp::{VjpOf, vjp};
