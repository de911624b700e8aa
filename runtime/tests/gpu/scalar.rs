//! Every scalar instruction on every type it knows, with special values.

use sinew_codegen::kernel::{Class, Nest, Stage};
use sinew_ir::{DType, Scalar};

use crate::support::{Build, Random, Tolerance, Writer, at, device};

const FLOATS: &[f32] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    -2.5,
    3.0,
    7.0,
    -7.0,
    1e-20,
    -1e-20,
    1e-6,
    0.1,
    0.624,
    0.626,
    0.99,
    1.01,
    -1.01,
    3.9,
    4.1,
    9.5,
    -9.5,
    20.0,
    88.0,
    88.7,
    89.0,
    -87.0,
    -100.0,
    -104.0,
    100.0,
    2.147_483_5e9,
    2.147_483_6e9,
    -2.147_483_6e9,
    4.294_967e9,
    5e9,
    -5e9,
    1e30,
    -1e30,
    f32::MAX,
    f32::MIN,
    f32::MIN_POSITIVE,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
];

const INTEGERS: &[i32] = &[
    0,
    1,
    -1,
    2,
    -2,
    3,
    7,
    -7,
    100,
    -100,
    65536,
    i32::MAX,
    i32::MIN,
    i32::MIN + 1,
];

/// The special values of a type, and some others.
fn values(dtype: DType) -> Vec<u32> {
    let mut random = Random(7);
    match dtype {
        DType::F32 => {
            let mut all: Vec<u32> = FLOATS.iter().map(|x| x.to_bits()).collect();
            all.extend((0..19).map(|_| (random.float() * 6.0).to_bits()));
            all
        }
        DType::I32 | DType::U32 => {
            let mut all: Vec<u32> = INTEGERS.iter().map(|x| *x as u32).collect();
            all.extend((0..7).map(|_| random.word()));
            all
        }
        DType::Bool => vec![0, 1],
        DType::F64 | DType::Float => Vec::new(),
    }
}

/// What an instruction takes: the types of its operands, and the result's for each.
fn uses(scalar: Scalar) -> Vec<(Vec<DType>, DType)> {
    let numbers = [DType::F32, DType::I32, DType::U32];
    let all = [DType::F32, DType::I32, DType::U32, DType::Bool];
    let same = |dtypes: &[DType], arity: usize| -> Vec<(Vec<DType>, DType)> {
        dtypes.iter().map(|&d| (vec![d; arity], d)).collect()
    };
    match scalar {
        Scalar::Add
        | Scalar::Sub
        | Scalar::Mul
        | Scalar::Div
        | Scalar::Rem
        | Scalar::Maximum
        | Scalar::Minimum => same(&numbers, 2),
        Scalar::Neg | Scalar::Abs | Scalar::Sign => same(&numbers, 1),
        Scalar::Sqrt | Scalar::Exp | Scalar::Log | Scalar::Tanh | Scalar::Erf | Scalar::Floor => {
            same(&[DType::F32], 1)
        }
        Scalar::Lt | Scalar::Le => numbers.map(|d| (vec![d; 2], DType::Bool)).to_vec(),
        Scalar::Eq | Scalar::Ne => all.map(|d| (vec![d; 2], DType::Bool)).to_vec(),
        Scalar::And | Scalar::Or => same(&[DType::Bool], 2),
        Scalar::Not => same(&[DType::Bool], 1),
        Scalar::Select => all.map(|d| (vec![DType::Bool, d, d], d)).to_vec(),
        Scalar::Cast => all
            .iter()
            .flat_map(|&from| all.map(|to| (vec![from], to)))
            .collect(),
    }
}

/// Applies an instruction to every combination of its operands' values.
fn check(scalar: Scalar) {
    let Some(device) = device() else { return };
    for (operands, result) in uses(scalar) {
        let columns: Vec<Vec<u32>> = operands.iter().map(|&d| values(d)).collect();
        let mut rows = vec![Vec::new()];
        for column in &columns {
            rows = rows
                .into_iter()
                .flat_map(|row: Vec<u32>| {
                    column.iter().map(move |&value| {
                        let mut row = row.clone();
                        row.push(value);
                        row
                    })
                })
                .collect();
        }
        // An exact quotient that overflows or underflows decides nothing of interest.
        let count = rows.len();
        let mut build = Build::new();
        let mut code = Writer::default();
        let mut registers = Vec::new();
        for (operand, &dtype) in operands.iter().enumerate() {
            let column: Vec<u32> = rows.iter().map(|row| row[operand]).collect();
            let input = build.input(dtype, &column);
            registers.push(code.load(at(input, &[1]), dtype));
        }
        let value = code.apply(scalar, &registers, result);
        let output = build.output(result, count);
        code.store(at(output, &[1]), value);
        build.kernel(Class::Nest(Nest {
            outer: vec![count],
            inner: Vec::new(),
            stages: vec![Stage::Row {
                code: code.0,
                sets: Vec::new(),
            }],
            rows: Vec::new(),
        }));
        build.check(device, Tolerance::F32);
    }
}

macro_rules! instructions {
    ($($name:ident $scalar:ident)*) => {
        $(#[test]
        fn $name() {
            check(Scalar::$scalar);
        })*

        /// Fails to compile when an instruction is added that has no test.
        #[test]
        fn every_instruction_has_a_test() {
            let tested = |scalar: Scalar| match scalar {
                $(Scalar::$scalar => true,)*
            };
            assert!(tested(Scalar::Add));
        }
    };
}

instructions! {
    add Add
    sub Sub
    mul Mul
    div Div
    rem Rem
    maximum Maximum
    minimum Minimum
    neg Neg
    abs Abs
    sqrt Sqrt
    exp Exp
    log Log
    tanh Tanh
    erf Erf
    floor Floor
    sign Sign
    less Lt
    less_or_equal Le
    equal Eq
    not_equal Ne
    and And
    or Or
    not Not
    select Select
    cast Cast
}

/// Transcendental functions at many points, to the accuracy that the prelude states.
#[test]
fn prelude_is_as_exact_as_it_says() {
    let Some(device) = device() else { return };
    let points: Vec<u32> = (0..4001)
        .map(|i| ((i as f32 - 2000.0) * 0.01f32).to_bits())
        .collect();
    let positive: Vec<u32> = (0..4001)
        .map(|i| ((i as f32 - 2000.0) * 0.03f32).exp().to_bits())
        .collect();
    for (scalar, points, relative, absolute) in [
        (Scalar::Exp, &points, 3e-7, 0.0),
        (Scalar::Tanh, &points, 4e-7, 0.0),
        (Scalar::Erf, &points, 4e-7, 0.0),
        // Near 1 the relative error of the argument itself is larger.
        (Scalar::Log, &positive, 3e-7, 0.0),
    ] {
        let mut build = Build::new();
        let input = build.input(DType::F32, points);
        let output = build.output(DType::F32, points.len());
        let mut code = Writer::default();
        let x = code.load(at(input, &[1]), DType::F32);
        let y = code.apply(scalar, &[x], DType::F32);
        code.store(at(output, &[1]), y);
        build.kernel(Class::Nest(Nest {
            outer: vec![points.len()],
            inner: Vec::new(),
            stages: vec![Stage::Row {
                code: code.0,
                sets: Vec::new(),
            }],
            rows: Vec::new(),
        }));
        build.check(device, Tolerance { relative, absolute });
    }
}
