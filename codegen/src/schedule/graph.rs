//! A program as the scheduler sees it: values with known extents and what defines each.
//!
//! Built from a linked function in order, so operands stand before users. On the way, ops that are
//! functions over others are decomposed, identities vanish, the axes of contractions are put in order,
//! scatters of few updates become comparisons, and long reductions become two.

use super::ScheduleError;
use super::affine;
pub(crate) use super::definition::Def;
use super::definition::Source;
use super::instruction::Instruction;
use rustc_hash::FxBuildHasher;
use sinew_ir::{DType, Function, Inst, Type, Value, byte_count};
use std::collections::HashMap;

/// A value of the graph: an index into [`Graph::nodes`].
pub(crate) type Id = usize;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub def: Def,
    pub shape: Vec<usize>,
    pub dtype: DType,
    /// The IR value it stands for or is part of.
    pub value: Value,
}

#[derive(Default)]
pub(crate) struct Graph {
    pub nodes: Vec<Node>,
    /// The node of each result.
    pub results: Vec<Id>,
    /// How many operands each node is of live nodes, results included; 0: dead.
    pub uses: Vec<usize>,
    /// The live users of each node.
    pub users: Vec<Vec<Id>>,
    /// Equal nodes are one: expansions repeat themselves.
    known: HashMap<(Def, Vec<usize>, DType), Id, FxBuildHasher>,
}

impl Graph {
    pub fn elements(&self, id: Id) -> usize {
        self.nodes[id].shape.iter().product()
    }

    pub fn build(function: &Function) -> Result<Graph, ScheduleError> {
        let mut graph = Graph::default();
        let mut ids: Vec<Option<Id>> = Vec::new();
        for (value, ty) in function.values.iter().enumerate() {
            let value = Value(u32::try_from(value).unwrap_or(u32::MAX));
            if ty.shape.extents().is_some() && ty.dtype.size().is_some() && ty.bytes().is_none() {
                return Err(ScheduleError::too_large(value, ty));
            }
        }
        for p in 0..function.params.len() {
            let ty = &function.values[p];
            let shape = extents(&function.name, &ty.shape)?;
            let value = Value(u32::try_from(p).unwrap_or(u32::MAX));
            graph.nodes.push(Node {
                def: Def::Source(Source::Param),
                shape,
                dtype: ty.dtype,
                value,
            });
            set(&mut ids, value, p);
        }
        for inst in &function.body.insts {
            graph.add_inst(function, inst, &mut ids)?;
        }
        for value in &function.body.results {
            let id = get(&ids, *value).ok_or(ScheduleError::Undefined(*value))?;
            graph.results.push(id);
        }
        if let Some(node) = graph.nodes.iter().find(|n| n.dtype.size().is_none()) {
            return Err(ScheduleError::NotLinked(format!(
                "{} has the working float's type",
                node.value
            )));
        }
        // What an op decomposes into may have more axes than its result.
        for node in &graph.nodes {
            let bytes = node.dtype.size().map(|size| byte_count(&node.shape, size));
            if bytes == Some(None) {
                let ty = Type::from_extents(node.dtype, &node.shape);
                return Err(ScheduleError::too_large(node.value, &ty));
            }
        }
        graph.count_uses();
        Ok(graph)
    }

    fn count_uses(&mut self) {
        let n = self.nodes.len();
        self.uses = vec![0; n];
        self.users = vec![Vec::new(); n];
        for r in &self.results {
            self.uses[*r] += 1;
        }
        for id in (0..n).rev() {
            if self.uses[id] == 0 {
                continue;
            }
            for operand in self.nodes[id].def.operands() {
                self.uses[operand] += 1;
                if self.users[operand].last() != Some(&id) {
                    self.users[operand].push(id);
                }
            }
        }
    }

    pub fn is_live(&self, id: Id) -> bool {
        self.uses[id] > 0
    }

    pub fn add(&mut self, def: Def, shape: Vec<usize>, dtype: DType, value: Value) -> Id {
        let key = (def.clone(), shape.clone(), dtype);
        if let Some(found) = self.known.get(&key) {
            return *found;
        }
        self.known.insert(key, self.nodes.len());
        self.nodes.push(Node {
            def,
            shape,
            dtype,
            value,
        });
        self.nodes.len() - 1
    }

    fn add_inst(
        &mut self,
        function: &Function,
        inst: &Inst,
        ids: &mut Vec<Option<Id>>,
    ) -> Result<(), ScheduleError> {
        let inst = match inst {
            Inst::Op(op) => op,
            Inst::Call(c) => {
                return Err(ScheduleError::NotLinked(format!("calls {}", c.target.name)));
            }
            Inst::PullbackCall(_) => {
                return Err(ScheduleError::NotLinked("a pullback of a call".into()));
            }
            Inst::Loop(l) => return Err(ScheduleError::Loop(l.trip.to_string())),
        };
        let ty = function
            .values
            .get(inst.result.index())
            .ok_or(ScheduleError::Undefined(inst.result))?;
        let shape = extents(&function.name, &ty.shape)?;
        let operands = inst
            .operands
            .iter()
            .map(|v| get(ids, *v).ok_or(ScheduleError::Undefined(*v)))
            .collect::<Result<Vec<_>, _>>()?;
        let id = self.add_op(&Instruction {
            inst,
            operands: &operands,
            shape,
            dtype: ty.dtype,
        })?;
        set(ids, inst.result, id);
        Ok(())
    }

    /// The shape that the kernel of a value runs over: for a reduction its operand's.
    pub fn run_shape(&self, id: Id) -> &[usize] {
        &self.nodes[self.nodes[id].def.runs_over(id)].shape
    }

    /// The axes of that shape that are gone in the result.
    pub fn reduced_axes(&self, id: Id) -> &[usize] {
        self.nodes[id].def.accumulated().unwrap_or(&[])
    }

    /// Whether a layout of these strides is the row-major one of the node's shape.
    pub fn is_contiguous(&self, id: Id, strides: &[i64]) -> bool {
        affine::is_contiguous(&self.nodes[id].shape, strides)
    }
}

fn set(ids: &mut Vec<Option<Id>>, value: Value, id: Id) {
    if ids.len() <= value.index() {
        ids.resize(value.index() + 1, None);
    }
    ids[value.index()] = Some(id);
}

fn get(ids: &[Option<Id>], value: Value) -> Option<Id> {
    ids.get(value.index()).copied().flatten()
}

fn extents(name: &str, shape: &sinew_ir::Shape) -> Result<Vec<usize>, ScheduleError> {
    let found = shape.extents();
    found.ok_or_else(|| ScheduleError::NotLinked(format!("`{name}` has the shape ({shape})")))
}

pub(crate) fn constant(value: f64) -> Def {
    Def::Source(Source::Const(value.to_bits()))
}
