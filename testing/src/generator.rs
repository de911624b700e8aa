//! The generator of random words over tensors, with keys and counters that tests choose.

use sinew_ir::{Block, Builder, DType, Function, OpError, Param, Type, ops::random_words};

/// Of a published vector: the key, the counter, and the words that come of them.
pub type Vector = [[u32; 2]; 3];

/// The vectors of Random123 for threefry2x32 with 20 rounds.
pub const VECTORS: [Vector; 3] = [
    [[0; 2], [0; 2], [0x6b20_0159, 0x99ba_4efe]],
    [[u32::MAX; 2], [u32::MAX; 2], [0x1cb9_96fc, 0xbb00_2be7]],
    [
        [0x1319_8a2e, 0x0370_7344],
        [0x243f_6a88, 0x85a3_08d3],
        [0xc492_3a9c, 0x483d_f7a0],
    ],
];

/// Takes the words of `count` keys and counters, each a tensor, and gives the two words of each.
///
/// # Errors
/// None: the words are of the types that the ops take.
pub fn generator(count: usize) -> Result<Function, OpError> {
    let mut b = Builder::default();
    let mut word = || b.value(Type::from_extents(DType::U32, &[count]));
    let (key, counter) = ([word(), word()], [word(), word()]);
    let words = random_words(&mut b, key, counter)?;
    Ok(Function {
        name: "generator".to_string(),
        params: ["a", "b", "c", "d"].map(Param::input).to_vec(),
        values: b.values,
        body: Block::body(4, b.insts, words.to_vec()),
        ..Function::default()
    })
}

/// The inputs of [`generator`] for the published vectors, and what it must give.
pub fn published() -> ([Vec<f64>; 4], [Vec<f64>; 2]) {
    let column = |part: usize, word: usize| {
        let words = VECTORS.iter().map(|v| f64::from(v[part][word]));
        words.collect::<Vec<f64>>()
    };
    let inputs = [column(0, 0), column(0, 1), column(1, 0), column(1, 1)];
    (inputs, [column(2, 0), column(2, 1)])
}
