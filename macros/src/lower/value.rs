//! What an expression is while it is lowered.

use super::constant::Constant;
use sinew_ir::compose::Reach;
use sinew_ir::{self as ir, Condition, Dim, DimError, Function, Symbol, SymbolTerm, Value};
use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

/// The value of an expression.
#[derive(Clone)]
pub enum Val {
    /// A tensor in the IR.
    Tensor(Value),
    /// A literal number, or arithmetic on such: it takes the element type of what it meets.
    Number(Number),
    /// A symbol.
    Size(Dim),
    /// A Rust const as a number.
    Const(Box<Constant>),
    /// Arithmetic of Rust consts with sizes and integers: a size where one is asked for, else a number.
    Counted(Rc<Counted>),
    /// A struct.
    Struct(StructVal),
    /// Children of one type, each of its leaves all of theirs.
    Repeated(Repeated),
    /// Several.
    Tuple(Vec<Val>),
    /// The index of a loop's iteration, or one beside it: a number that takes the element type of what it
    /// meets, and a place in an axis that the loop runs along.
    Index(LoopIndex),
    /// What is true or false in symbols: a `bool` of the configuration.
    Flag(Box<Condition>),
    /// A number of the configuration.
    Setting(Box<ir::Number>),
    /// What a loop collects: its position among the body's lists.
    List(usize),
    /// Something with an error that is reported: whatever uses it keeps silent.
    Broken,
}

/// Arithmetic that is a size or a number, as it is used: rustc alone knows the types of consts.
pub struct Counted {
    /// As written.
    pub written: syn::ExprBinary,
    /// Its sides.
    pub sides: (Val, Val),
    /// How many consts, sizes and integers it is made of, written out.
    pub parts: usize,
}

/// The most parts of arithmetic of Rust consts, and of a tuple: what is put together from itself doubles
/// each time.
pub const PARTS: usize = 1024;

impl Val {
    /// A number that a declaration has.
    pub fn number(value: f64) -> Val {
        let integer = value.fract() == 0.0;
        Val::Number(Number { value, integer })
    }

    /// How many consts, sizes and integers, or values of a tuple, it is made of.
    pub fn parts(&self) -> usize {
        match self {
            Val::Counted(c) => c.parts,
            Val::Const(c) => c.parts,
            Val::Tuple(values) => values.iter().map(Val::parts).sum(),
            Val::Tensor(_)
            | Val::Number(_)
            | Val::Size(_)
            | Val::Struct(_)
            | Val::Repeated(_)
            | Val::Index(_)
            | Val::Flag(_)
            | Val::Setting(_)
            | Val::List(_)
            | Val::Broken => 1,
        }
    }
}

/// `t`, `t + 1`, `t - LAG`.
#[derive(Clone)]
pub struct LoopIndex {
    /// How many loops are around that loop.
    pub frame: usize,
    /// The iteration's index, which counts from 0.
    pub iteration: Value,
    /// What is added to it: where the range starts, and what stands behind.
    pub offset: Dim,
}

/// A literal number.
#[derive(Clone, Copy)]
pub struct Number {
    /// Its value.
    pub value: f64,
    /// Whether it was written as an integer.
    pub integer: bool,
}

/// A value of struct type, wherever it comes from.
#[derive(Clone)]
pub struct StructVal {
    /// Its struct's position in the registry.
    pub structure: usize,
    /// Its dims.
    pub dims: Vec<Dim>,
    /// Its leaves in the order of the struct's declaration, those of a child at the child's place.
    pub leaves: Rc<[Leaf]>,
    /// Its configuration in the order of the declaration, that of a child at the child's place.
    pub settings: Rc<[SymbolTerm]>,
    /// How many axes its parameters have in front that are no part of their declaration: what `vmap` gives
    /// for each slice. It is no model then.
    pub mapped: usize,
    /// Of a child that is named by its number, the index of its states along each axis in front of their places.
    pub picked: Rc<[Reach]>,
}

/// Children of one type: `[Block<D>; Layers]`.
#[derive(Clone)]
pub struct Repeated {
    /// How many.
    pub count: Dim,
    /// A child whose leaves have one axis more in front, which counts the children.
    pub stacked: StructVal,
}

/// A leaf of a struct.
#[derive(Clone, Copy)]
pub enum Leaf {
    /// A parameter, which is what it is.
    Param(Value),
    /// A state, by its place: what it is changes on the way.
    State(usize),
}

impl Val {
    /// The tensors in it, in order.
    pub fn tensors(&self) -> Vec<Value> {
        match self {
            Val::Tensor(v) => vec![*v],
            Val::Tuple(parts) => parts.iter().flat_map(Val::tensors).collect(),
            Val::Number(_)
            | Val::Size(_)
            | Val::Const(_)
            | Val::Counted(_)
            | Val::Struct(_)
            | Val::Repeated(_)
            | Val::Index(_)
            | Val::Flag(_)
            | Val::Setting(_)
            | Val::List(_)
            | Val::Broken => Vec::new(),
        }
    }

    /// The same with other tensors, in the order of [`Val::tensors`].
    pub fn with_tensors(&self, values: &mut dyn Iterator<Item = Value>) -> Val {
        match self {
            Val::Tensor(v) => Val::Tensor(values.next().unwrap_or(*v)),
            Val::Tuple(parts) => {
                let parts = parts.iter().map(|p| p.with_tensors(values));
                Val::Tuple(parts.collect())
            }
            other => other.clone(),
        }
    }
}

/// Every symbol that a function is written in: of dims, numbers and conditions.
pub fn symbols(function: &Function) -> HashSet<Symbol> {
    let found = RefCell::new(HashSet::new());
    let mut copy = function.clone();
    let all = map_dims(&mut copy, &|d| {
        found.borrow_mut().extend(d.symbols());
        Ok(d.clone())
    });
    debug_assert!(all.is_ok());
    copy.each_number_mut(&mut |number| {
        if let ir::Number::Symbol(symbol) = number {
            found.borrow_mut().insert(symbol.clone());
        }
    });
    copy.each_flag_mut(&mut |symbol| {
        found.borrow_mut().insert(symbol.clone());
    });
    found.into_inner()
}

/// Replaces every dim of a function.
pub fn map_dims(
    function: &mut Function,
    dim: &dyn Fn(&Dim) -> Result<Dim, DimError>,
) -> Result<(), DimError> {
    let mut failed = Ok(());
    function.each_dim_mut(&mut |d| match dim(d) {
        Ok(now) => *d = now,
        Err(error) => failed = Err(error),
    });
    failed
}
