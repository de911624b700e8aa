//! A function with its pullback as one function without calls: for tests of pullbacks.

use sinew_ir::{Block, Function, Inst, Param};

/// The pullback as a function of its own: the parameters, then inputs `cotangent.0`, .. for the float
/// results (`cotangent.cotangent.0`, .. where those names are taken); its results are those of
/// `function`, then the gradients that there are.
///
/// Calls stay calls, so this serves functions without any (the linker handles the others). `None` for
/// a function with calls, or without a pullback.
pub fn with_gradients(function: &Function) -> Option<Function> {
    let mut out = function.clone();
    let pullback = out.pullback.take()?;
    let is_call = |inst: &Inst| match inst {
        Inst::Op(_) | Inst::Loop(_) => false,
        Inst::Call(_) | Inst::PullbackCall(_) => true,
    };
    let Block {
        params,
        insts,
        results,
    } = pullback.block;
    if out.body.insts.iter().chain(&insts).any(is_call) {
        return None;
    }
    for at in &pullback.cotangents {
        let mut name = format!("cotangent.{at}");
        while out.params.iter().any(|p| p.name == name) {
            name.insert_str(0, "cotangent.");
        }
        out.params.push(Param::input(&name));
    }
    out.body.params.extend(params);
    out.body.insts.extend(insts);
    out.body.results.extend(results);
    // Cotangents come in front of the body.
    out.compact();
    Some(out)
}
