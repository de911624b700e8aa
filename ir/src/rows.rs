//! Whether a program does the same to each row of a batch, whatever the others are and however many.
//!
//! It is told of a function's programs for two sizes of its batch. Where two extents of one axis differ, it
//! is an axis of rows: a value has one at most. Each op keeps rows apart that does not work along this
//! axis, and whose result still has it; so what has no such axis depends on no row, and on their number
//! neither if both programs have the same numbers in them.

use crate::attribute::{Attribute, AttributeKind, ShapeSource};
use crate::attributes::DotAxes;
use crate::block::{Block, Inst, Loop, OpInst};
use crate::function::{Function, Location, ParamKind, Value};
use crate::op::{Kind, View};
use crate::shape::Axis;

/// Where rows do not stay apart.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{what}")]
pub struct RowsMeet {
    /// What is done, in words behind a place.
    pub what: &'static str,
    /// Where it was written.
    pub location: Option<Location>,
}

/// Checks that rows stay apart in a program; `more` is of the same function, for another size of its batch, both of
/// which no other extent is equal to.
///
/// # Errors
/// The first instruction that lets rows meet, or that depends on how many there are.
pub fn rows_stay_apart(program: &Function, more: &Function) -> Result<(), RowsMeet> {
    let whole = |what| RowsMeet {
        what,
        location: None,
    };
    if program.params.iter().any(|p| p.kind == ParamKind::Key) {
        return Err(whole("it draws random elements"));
    }
    if !program.states.is_empty() {
        return Err(whole("it assigns to states"));
    }
    if program.values.len() != more.values.len() {
        return Err(whole(NUMBER));
    }
    let mut axes = Vec::with_capacity(program.values.len());
    for (one, other) in program.values.iter().zip(&more.values) {
        let extents = one.shape.extents().zip(other.shape.extents());
        let (one, other) = extents.ok_or_else(|| whole("it is of no size"))?;
        if one.len() != other.len() {
            return Err(whole(NUMBER));
        }
        let mut differing = (0..one.len()).filter(|i| one[*i] != other[*i]);
        axes.push(differing.next());
        if differing.next().is_some() {
            return Err(whole("it pairs rows with rows"));
        }
    }
    let check = Check {
        program,
        axes: &axes,
    };
    check.block(&program.body, &more.body)?;
    let results = program.body.results.iter();
    match results.copied().all(|r| check.axis(r) == Some(0)) {
        true => Ok(()),
        false => Err(whole("it has a result that is not one of each row")),
    }
}

const NUMBER: &str = "it depends on the number of rows";

struct Check<'a> {
    program: &'a Function,
    /// The axis of rows of each value.
    axes: &'a [Option<usize>],
}

impl Check<'_> {
    fn axis(&self, v: Value) -> Option<usize> {
        self.axes.get(v.index()).copied().flatten()
    }

    fn block(&self, one: &Block, other: &Block) -> Result<(), RowsMeet> {
        if one.insts.len() != other.insts.len() || one.results != other.results {
            return Err(RowsMeet {
                what: NUMBER,
                location: None,
            });
        }
        for pair in one.insts.iter().zip(&other.insts) {
            let (location, checked) = match pair {
                (Inst::Op(i), Inst::Op(j)) => (i.location, self.same(i, j).and(self.op(i))),
                (Inst::Loop(l), Inst::Loop(k)) => {
                    self.block(&l.body, &k.body)?;
                    (l.location, self.iterates(l, k))
                }
                // Programs have no calls.
                (Inst::Op(i), _) => (i.location, Err(NUMBER)),
                (Inst::Loop(l), _) => (l.location, Err(NUMBER)),
                (Inst::Call(_) | Inst::PullbackCall(_), _) => (None, Err("it calls a function")),
            };
            checked.map_err(|what| RowsMeet { what, location })?;
        }
        Ok(())
    }

    /// Whether two instructions are one but for the extents of rows.
    fn same(&self, i: &OpInst, j: &OpInst) -> Result<(), &'static str> {
        let mut attributes = i.attributes.0.iter().zip(&j.attributes.0);
        let same = i.op == j.op
            && i.operands == j.operands
            && i.result == j.result
            && attributes.all(|pair| match pair {
                // They are the types', which were compared.
                (Attribute::Shape(_), Attribute::Shape(_)) => true,
                (a, b) => a == b,
            });
        same.then_some(()).ok_or(NUMBER)
    }

    fn op(&self, i: &OpInst) -> Result<(), &'static str> {
        let of_result = self.axis(i.result);
        if of_result.is_none() && i.operands.iter().any(|v| self.axis(*v).is_some()) {
            return Err("it makes one of all rows");
        }
        match i.op.kind {
            // Their axes say where others go.
            Kind::View(View::Broadcast | View::Permute) => Ok(()),
            Kind::View(View::Reshape) => self.reshapes(i),
            Kind::Contract => self.contracts(i),
            // Each element is taken by itself: rows of indices may lie along the axis.
            Kind::Gather => match i.operands.first() {
                Some(x) => self.works_along(i, ShapeSource::Operand(0), *x),
                None => Ok(()),
            },
            Kind::Constant
            | Kind::Iota
            | Kind::Extent
            | Kind::Run(_)
            | Kind::Elementwise(_)
            | Kind::View(View::Slice | View::Pad | View::Flip | View::Shear)
            | Kind::Reduce(_)
            | Kind::Concat
            | Kind::Scatter
            | Kind::Scan(_)
            | Kind::Sort
            | Kind::Identity
            | Kind::Barrier
            | Kind::Probe(_)
            | Kind::Function(_) => {
                let operands = i.operands.iter().enumerate();
                for (k, v) in operands {
                    self.works_along(i, ShapeSource::Operand(k), *v)?;
                }
                self.works_along(i, ShapeSource::Result, i.result)
            }
        }
    }

    /// Refuses attributes that name the axis of rows of a value, on which they are counted.
    fn works_along(&self, i: &OpInst, on: ShapeSource, v: Value) -> Result<(), &'static str> {
        let Some(rows) = self.axis(v) else {
            return Ok(());
        };
        let named = |(spec, attribute): (&crate::AttributeSpec, &Attribute)| match attribute {
            Attribute::Axes(axes) => {
                spec.kind == AttributeKind::Axes(on) && axes.contains(&Axis::At(rows))
            }
            Attribute::Shape(_)
            | Attribute::Dims(_)
            | Attribute::DType(_)
            | Attribute::Number(_)
            | Attribute::Name(_) => false,
        };
        let mut attributes = i.op.attributes.iter().zip(&i.attributes.0);
        match attributes.any(named) {
            true => Err("it works along the rows"),
            false => Ok(()),
        }
    }

    /// Rows stay where they are if as many elements lie in front of each.
    fn reshapes(&self, i: &OpInst) -> Result<(), &'static str> {
        let in_front = |v: Value| {
            let extents = self.program.type_of(v).shape.extents()?;
            Some(extents.get(..self.axis(v)?)?.iter().product::<usize>())
        };
        let from = i.operands.first().and_then(|v| in_front(*v));
        match from == in_front(i.result) {
            true => Ok(()),
            false => Err("it puts rows among others"),
        }
    }

    /// Rows of both operands are a batch, those of one are not summed over.
    fn contracts(&self, i: &OpInst) -> Result<(), &'static str> {
        let axes = DotAxes::from_attributes(&i.attributes).map_err(|_| NUMBER)?;
        let rows = |k: usize| Some(Axis::At(self.axis(*i.operands.get(k)?)?));
        let (x, y) = (rows(0), rows(1));
        let summed = |contracted: &[Axis], rows: Option<Axis>| {
            rows.is_some_and(|axis| contracted.contains(&axis))
        };
        if summed(&axes.contract_x, x) || summed(&axes.contract_y, y) {
            return Err("it sums over rows");
        }
        let place = |batch: &[Axis], rows: Axis| batch.iter().position(|axis| *axis == rows);
        match (x, y) {
            (Some(x), Some(y)) => {
                let (of_x, of_y) = (place(&axes.batch_x, x), place(&axes.batch_y, y));
                match of_x.is_some() && of_x == of_y {
                    true => Ok(()),
                    false => Err("it pairs rows with rows"),
                }
            }
            (Some(_), None) | (None, Some(_)) | (None, None) => Ok(()),
        }
    }

    fn iterates(&self, l: &Loop, other: &Loop) -> Result<(), &'static str> {
        let same = l.order == other.order
            && l.carried == other.carried
            && l.sliced == other.sliced
            && l.stacked == other.stacked
            && l.results == other.results
            && l.body.params == other.body.params;
        if l.trip != other.trip {
            return Err("it goes through the rows one by one");
        }
        same.then_some(()).ok_or(NUMBER)
    }
}
