//! A function with its pullback as one function without calls: for tests of pullbacks.

use crate::block::{Block, Inst};
use crate::function::{Function, Param, ParamKind, Value, fresh_name};
use std::collections::HashMap;

/// The pullback as a function of its own: the parameters, then inputs `cotangent.0`, .. for the float
/// results (`cotangent.cotangent.0`, .. where those names are taken); its results are those of
/// `function`, then the gradients that there are.
///
/// Calls stay calls, so this serves functions without any (the linker handles the others). `None` for
/// a function without a pullback.
pub fn with_gradients(function: &Function) -> Option<Function> {
    let pullback = function.pullback.as_ref()?;
    let mut out = Function {
        name: function.name.clone(),
        symbols: function.symbols.clone(),
        constraints: function.constraints.clone(),
        params: function.params.clone(),
        ..Function::default()
    };
    let params = function.params.len();
    out.values = function.values[..params].to_vec();
    // Cotangents move in front of the body; everything else keeps its order.
    let mut renamed: HashMap<Value, Value> = HashMap::new();
    for (i, c) in pullback.cotangents.iter().zip(&pullback.block.params) {
        out.params.push(Param {
            name: fresh_name(&out.params, format!("cotangent.{i}")),
            kind: ParamKind::Input,
        });
        renamed.insert(*c, Value(u32::try_from(out.values.len()).ok()?));
        out.values.push(function.type_of(*c).clone());
    }
    let mut insts = Vec::new();
    for inst in function.body.insts.iter().chain(&pullback.block.insts) {
        let mut i = inst.op()?.clone();
        for v in &mut i.operands {
            *v = renamed.get(v).copied().unwrap_or(*v);
        }
        let result = Value(u32::try_from(out.values.len()).ok()?);
        out.values.push(function.type_of(i.result).clone());
        renamed.insert(i.result, result);
        i.result = result;
        insts.push(Inst::Op(i));
    }
    let name = |v: &Value| renamed.get(v).copied().unwrap_or(*v);
    let primal = function.body.results.iter().map(name);
    let gradients = pullback.block.results.iter().map(name);
    let results = primal.chain(gradients).collect();
    out.body = Block::body(out.params.len(), insts, results);
    Some(out)
}
