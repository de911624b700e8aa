//! The text form of functions: what binaries store, what tools print, what golden tests compare.
//!
//! ```text
//! fn @mlp<B, H, const K, eps: f64, wide: bool>(%m: Mlp { w: param float[64, H], norm: Norm { mean: state float[H] } }, %x: float[B, 64]) -> float[B, H] where H <= 1024 {
//!   %3 = dot %x, %m.w contract_x [1] contract_y [0]
//!   %4, %5 = call @Norm::forward<[S] = [B], W = H, eps: f64 = eps, wide: bool = !wide>(%m.norm, %3) -> float[B, H], float[H]
//!   return %4, state %m.norm.mean: %5
//! }
//! pullback(%6: float[B, H]) {
//!   %7, %8 = pullback %4(%6, _) of [0, 1]
//!   %9 = dot %x, %8 contract_x [0] contract_y [0]
//!   return %m.w: %9, %m.norm.mean: %7
//! }
//! ```
//!
//! A call of another mode says so before its operands, and a loop has its body in it:
//!
//! ```text
//!   %4 = call @block<W = H> checkpoint (%x) -> float[B, H]
//!   %5 = call @wide<W = H> choice @narrow<W = H> where H <= 64, @sharp where eps < 0.1 (%x) -> float[B, H]
//!   %6, %7 = call @step loop T (index, carried %h, %w, sliced %xs) -> carried float[B], stacked float[T, B]
//!   %12, %13 = loop T backward (%8, %9 = %h, %10 = slice %xs axis 1) {
//!     %11 = add %9, %10
//!     return %11, stack %11
//!   }
//! ```
//!
//! - Symbols are sizes, `f64` or `bool` by what stands behind their names; `const` ones are Rust consts. A
//!   call says what those of its callee are that are not, by names and types of the callee.
//! - A condition is a `bool` symbol, `true`, `false`, or a relation of two sizes or two numbers, with `!`
//!   in front for its opposite: `!wide`, `!(H <= 64)`; or several that all hold: `(wide and !deep)`.
//! - A struct is one parameter, which tells its type and its leaves, and one argument: by its path where
//!   it is a parameter or in one, else `Norm {%5}`, its leaves in order. A leaf is called by its path.
//!   In the mode of a loop, a role in front of a struct is that of all its leaves; roles that differ
//!   stand in front of each: `Norm {%m.norm.scale, carried %m.norm.mean}`.
//! - States are behind what a function returns, each with its name; the types behind `->` are without
//!   them. Cotangents of states are left out where there are none.
//! - What a loop's body defines is known in it only. The axis of a slice or a stack is a position in the
//!   dims behind a sequence; the first is left out.
//! - A pullback that is written by hand, and not derived, is `written pullback(..) { .. }`.
//! - A parameter has a name, any other value a number. Numbers are read in any order and printed as
//!   the values are numbered: a function whose values are numbered in order of definition
//!   ([`crate::Function::compact`]) round trips exactly.
//! - The attributes of an op follow its operands by name, in the order of its entry; an empty list of
//!   axes is left out. Axes are counted from the left; in a shape with a sequence they are counted
//!   from the right (`-1`), and the sequence's symbol stands for all its axes. Axes of a result are
//!   counted on the op's shape attribute, or else on its first operand, whose rank it shares.
//! - Types are not written where they can be inferred: only parameters, results, cotangents and calls
//!   carry them.
//! - Numbers are f64 in the shortest form that reads back to the same bits; `nan`, `inf`, `-inf`. That of a
//!   symbol is its name until the linker knows it.
//! - White space does not matter, and `;` starts a comment that ends with the line.
//! - Places (`at 21:24`, line and column) are printed on request only; the file is the unit's.

mod calls;
mod characters;
mod error;
mod parse;
mod print;
mod structs;
mod types;

pub use error::{ParseError, ParseProblem};
pub use parse::parse;
