//! Scalar code as WGSL statements: one `let` an instruction.

use sinew_ir::{DType, Scalar};

use super::source::Source;
use super::space::{Point, affine, guard, place};
use super::{EmitError, type_name};
use crate::kernel::{Code, Reg, ScalarInst, ScalarKind, SlotId, Store};

/// What code may refer to.
pub(super) struct Scope<'p> {
    /// The index of the element.
    pub point: &'p Point,
    /// Types of the row registers, which are variables `row0`, `row1`, ...
    pub rows: &'p [DType],
    /// The name of the accumulated sum, in epilogues.
    pub accumulator: Option<&'p str>,
}

/// The name of a register.
pub(super) fn register(reg: Reg) -> String {
    format!("r{}", reg.0)
}

/// Writes the instructions of `code`.
pub(super) fn instructions(
    source: &mut Source,
    code: &Code,
    scope: &Scope,
) -> Result<(), EmitError> {
    for (at, inst) in code.insts.iter().enumerate() {
        let name = format!("r{at}");
        let text = value(source, &code.insts[..at], inst, &name, scope)?;
        if let Some(text) = text {
            source.line(&format!("let {name} = {text};"));
        }
    }
    Ok(())
}

/// Writes the stores of `code`, after its instructions.
pub(super) fn stores(source: &mut Source, code: &Code, scope: &Scope) -> Result<(), EmitError> {
    for Store { access, value } in &code.stores {
        let slot = source.slot(access.slot)?;
        if dtype_of(source, &code.insts, *value)? != slot.dtype {
            let what = format!("a store of another type in slot {}", access.slot.0);
            return Err(source.malformed(what));
        }
        let index = place(source, access, scope.point)?;
        let line = source.store(access.slot, &index, &register(*value))?;
        source.line(&line);
    }
    Ok(())
}

/// The type of a register.
pub(super) fn dtype_of(
    source: &Source,
    insts: &[ScalarInst],
    reg: Reg,
) -> Result<DType, EmitError> {
    insts
        .get(reg.0 as usize)
        .map(|inst| inst.dtype)
        .ok_or_else(|| source.malformed(format!("r{} is not defined yet", reg.0)))
}

/// The expression of an instruction, or nothing where statements define it already.
fn value(
    source: &mut Source,
    before: &[ScalarInst],
    inst: &ScalarInst,
    name: &str,
    scope: &Scope,
) -> Result<Option<String>, EmitError> {
    let text = match &inst.kind {
        ScalarKind::Load(access) => {
            let index = place(source, access, scope.point)?;
            let condition = guard(source, access, scope.point)?;
            return load(source, inst.dtype, access.slot, &index, condition, name);
        }
        ScalarKind::Gather {
            access,
            index,
            extent,
            stride,
        } => {
            if dtype_of(source, before, *index)? != DType::I32 {
                return Err(source.malformed("a gather index that is no i32"));
            }
            let start = place(source, access, scope.point)?;
            let at = clamped(source, *index, *extent)?;
            let chosen = Point(vec![Some(at)]);
            let step = affine(source, 0, &[*stride], &chosen)?;
            let condition = guard(source, access, scope.point)?;
            let place = format!("{start} + {step}");
            return load(source, inst.dtype, access.slot, &place, condition, name);
        }
        ScalarKind::Const(number) => constant(source, inst.dtype, *number)?,
        ScalarKind::Index { offset, strides } => {
            let text = affine(source, *offset, strides, scope.point)?;
            match inst.dtype {
                DType::I32 => format!("bitcast<i32>({text})"),
                DType::U32 => text,
                DType::F32 => format!("f32(bitcast<i32>({text}))"),
                DType::F64 => return Err(source.f64()),
                DType::Bool | DType::Float => {
                    return Err(source.malformed(format!("an index as {}", inst.dtype)));
                }
            }
        }
        ScalarKind::Row(row) => {
            if scope.rows.get(row.0 as usize) != Some(&inst.dtype) {
                return Err(source.malformed(format!("row register {} of another type", row.0)));
            }
            format!("row{}", row.0)
        }
        ScalarKind::Accumulator => scope
            .accumulator
            .ok_or_else(|| source.malformed("an accumulator outside of an epilogue"))?
            .to_string(),
        ScalarKind::Apply(scalar, operands) => {
            let mut names = Vec::with_capacity(operands.len());
            let mut dtypes = Vec::with_capacity(operands.len());
            for &operand in operands {
                dtypes.push(dtype_of(source, before, operand)?);
                names.push(register(operand));
            }
            apply(source, *scalar, inst.dtype, &dtypes, &names)?
        }
    };
    Ok(Some(text))
}

/// The expression `clamp(index, 0, extent - 1)` as u32.
pub(super) fn clamped(source: &Source, index: Reg, extent: usize) -> Result<String, EmitError> {
    let last = extent
        .checked_sub(1)
        .and_then(|last| i32::try_from(last).ok())
        .ok_or_else(|| source.malformed(format!("an indexed axis of {extent} elements")))?;
    Ok(format!("u32(clamp({}, 0, {last}))", register(index)))
}

fn load(
    source: &mut Source,
    dtype: DType,
    slot: SlotId,
    index: &str,
    condition: Option<String>,
    name: &str,
) -> Result<Option<String>, EmitError> {
    if source.slot(slot)?.dtype != dtype {
        return Err(source.malformed(format!("a load of another type from slot {}", slot.0)));
    }
    let text = source.load(slot, index)?;
    let Some(condition) = condition else {
        return Ok(Some(text));
    };
    // A branch, not `select`: the place need not exist where the condition fails.
    let zero = constant(source, dtype, 0.0)?;
    let type_name = type_name(dtype).ok_or_else(|| source.f64())?;
    source.line(&format!("var {name}: {type_name} = {zero};"));
    source.open(&format!("if ({condition}) {{"));
    source.line(&format!("{name} = {text};"));
    source.close();
    Ok(None)
}

/// Writes a constant. Numbers are printed in full, since validators differ on roundings.
pub(super) fn constant(
    source: &mut Source,
    dtype: DType,
    number: f64,
) -> Result<String, EmitError> {
    Ok(match dtype {
        DType::F32 => {
            let single = number as f32;
            if single.is_normal() || single.to_bits() == 0 {
                format!("{:?}f", f64::from(single))
            } else {
                // Infinities, NaN, subnormals and -0.
                let from_bits = source.need("from_bits");
                format!("{from_bits}(0x{:08x}u)", single.to_bits())
            }
        }
        DType::I32 => match number as i32 {
            i32::MIN => "bitcast<i32>(0x80000000u)".to_string(),
            number => format!("{number}i"),
        },
        DType::U32 => format!("{}u", number as u32),
        DType::Bool => format!("{}", number != 0.0),
        DType::F64 => return Err(source.f64()),
        DType::Float => return Err(source.malformed("a constant of an unbound type")),
    })
}

/// The kinds of number that instructions differ for.
#[derive(Clone, Copy, PartialEq)]
enum Number {
    F32,
    I32,
    U32,
    Bool,
}

/// Writes an instruction applied to registers.
fn apply(
    source: &mut Source,
    scalar: Scalar,
    result: DType,
    dtypes: &[DType],
    names: &[String],
) -> Result<String, EmitError> {
    // The type that decides; a select's first operand is its condition.
    let decisive = dtypes.last();
    let number = match decisive {
        Some(DType::F32) => Number::F32,
        Some(DType::I32) => Number::I32,
        Some(DType::U32) => Number::U32,
        Some(DType::Bool) => Number::Bool,
        Some(DType::F64) => return Err(source.f64()),
        Some(DType::Float) | None => {
            return Err(source.malformed(format!("{scalar:?} of no known type")));
        }
    };
    check_types(source, scalar, result, dtypes)?;
    let name = |at: usize| names.get(at).map_or("", String::as_str);
    let (a, b) = (name(0), name(1));
    let float = number == Number::F32;
    let bad = |source: &Source| source.malformed(format!("{scalar:?} of {dtypes:?}"));
    let infix = |op: &str| format!("{a} {op} {b}");
    let call = |function: &str| format!("{function}({})", names.join(", "));
    Ok(match scalar {
        Scalar::Add if number != Number::Bool => infix("+"),
        Scalar::Sub if number != Number::Bool => infix("-"),
        Scalar::Mul if number != Number::Bool => infix("*"),
        Scalar::Add | Scalar::Sub | Scalar::Mul => return Err(bad(source)),
        Scalar::Div => match number {
            Number::F32 => infix("/"),
            Number::I32 => call(source.need("div_i32")),
            Number::U32 => call(source.need("div_u32")),
            Number::Bool => return Err(bad(source)),
        },
        Scalar::Rem => match number {
            Number::F32 => call(source.need("rem_f32")),
            Number::I32 => call(source.need("rem_i32")),
            Number::U32 => call(source.need("rem_u32")),
            Number::Bool => return Err(bad(source)),
        },
        Scalar::Maximum => maximum(source, decisive.copied(), a, b)?,
        Scalar::Minimum => match number {
            Number::F32 => call(source.need("minimum_f32")),
            Number::I32 | Number::U32 => call("min"),
            Number::Bool => infix("&&"),
        },
        Scalar::Neg => match number {
            Number::F32 | Number::I32 => format!("-{a}"),
            Number::U32 => format!("0u - {a}"),
            Number::Bool => return Err(bad(source)),
        },
        Scalar::Abs => match number {
            Number::F32 | Number::I32 | Number::U32 => call("abs"),
            Number::Bool => return Err(bad(source)),
        },
        Scalar::Sqrt if float => call(source.need("sqrt_f32")),
        Scalar::Exp if float => call(source.need("exp_f32")),
        Scalar::Log if float => call(source.need("log_f32")),
        Scalar::Tanh if float => call(source.need("tanh_f32")),
        Scalar::Erf if float => call(source.need("erf_f32")),
        Scalar::Sqrt | Scalar::Exp | Scalar::Log | Scalar::Tanh | Scalar::Erf => {
            return Err(bad(source));
        }
        Scalar::Floor => match number {
            Number::F32 => call(source.need("floor_f32")),
            Number::I32 | Number::U32 => a.to_string(),
            Number::Bool => return Err(bad(source)),
        },
        Scalar::Sign => match number {
            Number::F32 => call(source.need("sign_f32")),
            Number::I32 => call("sign"),
            Number::U32 => format!("select(0u, 1u, {a} != 0u)"),
            Number::Bool => return Err(bad(source)),
        },
        Scalar::Lt => match number {
            Number::F32 => call(source.need("less_f32")),
            Number::I32 | Number::U32 => infix("<"),
            Number::Bool => format!("!{a} && {b}"),
        },
        Scalar::Le => match number {
            Number::F32 => call(source.need("less_equal_f32")),
            Number::I32 | Number::U32 => infix("<="),
            Number::Bool => format!("!{a} || {b}"),
        },
        Scalar::Eq => match number {
            Number::F32 => call(source.need("equal_f32")),
            Number::I32 | Number::U32 | Number::Bool => infix("=="),
        },
        Scalar::Ne => match number {
            Number::F32 => format!("!{}", call(source.need("equal_f32"))),
            Number::I32 | Number::U32 | Number::Bool => infix("!="),
        },
        Scalar::And if number == Number::Bool => infix("&&"),
        Scalar::Or if number == Number::Bool => infix("||"),
        Scalar::Not if number == Number::Bool => format!("!{a}"),
        Scalar::And | Scalar::Or | Scalar::Not => return Err(bad(source)),
        Scalar::Select => {
            let c = name(2);
            format!("select({c}, {b}, {a})")
        }
        Scalar::Cast => cast(source, number, result, a)?,
    })
}

/// Writes the greater of two values of one type.
pub(super) fn maximum(
    source: &mut Source,
    dtype: Option<DType>,
    a: &str,
    b: &str,
) -> Result<String, EmitError> {
    Ok(match dtype {
        Some(DType::F32) => format!("{}({a}, {b})", source.need("maximum_f32")),
        Some(DType::I32 | DType::U32) => format!("max({a}, {b})"),
        Some(DType::Bool) => format!("{a} || {b}"),
        Some(DType::F64) => return Err(source.f64()),
        Some(DType::Float) | None => return Err(source.malformed("a maximum of no known type")),
    })
}

fn cast(source: &mut Source, from: Number, result: DType, a: &str) -> Result<String, EmitError> {
    Ok(match (from, result) {
        (_, DType::F64) => return Err(source.f64()),
        (_, DType::Float) => return Err(source.malformed("a cast to an unbound type")),
        (Number::F32, DType::F32)
        | (Number::I32, DType::I32)
        | (Number::U32, DType::U32)
        | (Number::Bool, DType::Bool) => a.to_string(),
        (Number::F32, DType::I32) => format!("{}({a})", source.need("to_i32")),
        (Number::F32, DType::U32) => format!("{}({a})", source.need("to_u32")),
        (Number::F32, DType::Bool) => format!("{}({a})", source.need("not_zero_f32")),
        (Number::I32 | Number::U32, DType::F32) => format!("f32({a})"),
        (Number::I32, DType::U32) => format!("bitcast<u32>({a})"),
        (Number::U32, DType::I32) => format!("bitcast<i32>({a})"),
        (Number::I32, DType::Bool) => format!("{a} != 0i"),
        (Number::U32, DType::Bool) => format!("{a} != 0u"),
        (Number::Bool, DType::F32) => format!("select(0.0f, 1.0f, {a})"),
        (Number::Bool, DType::I32) => format!("select(0i, 1i, {a})"),
        (Number::Bool, DType::U32) => format!("select(0u, 1u, {a})"),
    })
}

/// Checks number and types of operands and the type of the result.
fn check_types(
    source: &Source,
    scalar: Scalar,
    result: DType,
    dtypes: &[DType],
) -> Result<(), EmitError> {
    let (arity, expected) = match scalar {
        Scalar::Add
        | Scalar::Sub
        | Scalar::Mul
        | Scalar::Div
        | Scalar::Rem
        | Scalar::Maximum
        | Scalar::Minimum
        | Scalar::And
        | Scalar::Or => (2, dtypes.first().copied()),
        Scalar::Neg
        | Scalar::Abs
        | Scalar::Sqrt
        | Scalar::Exp
        | Scalar::Log
        | Scalar::Tanh
        | Scalar::Erf
        | Scalar::Floor
        | Scalar::Sign
        | Scalar::Not => (1, dtypes.first().copied()),
        Scalar::Lt | Scalar::Le | Scalar::Eq | Scalar::Ne => (2, Some(DType::Bool)),
        Scalar::Select => (3, dtypes.get(1).copied()),
        Scalar::Cast => (1, Some(result)),
    };
    let same = if scalar == Scalar::Select {
        dtypes.first() == Some(&DType::Bool) && dtypes.get(1) == dtypes.get(2)
    } else {
        dtypes.windows(2).all(|pair| pair[0] == pair[1])
    };
    if dtypes.len() == arity && same && expected == Some(result) {
        Ok(())
    } else {
        Err(source.malformed(format!("{scalar:?} of {dtypes:?} as {result}")))
    }
}
