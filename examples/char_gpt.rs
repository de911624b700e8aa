//! A small GPT that learns to write from a text, character by character.
//!
//! `cargo run --release --example char_gpt -- --help` shows the options.

use clap::Parser;
use ndarray::{Array2, s};
use sinew::nn::{
    Activation, Embedding, KeyValueCache, LayerNorm, LearnedPositions, LinearNoBias,
    TransformerBlock,
};
use sinew::optim::Schedule;
use sinew::prelude::*;
use std::io::Write as _;
use std::path::PathBuf;

#[path = "support/progress.rs"]
mod progress;

#[model]
struct Gpt<Vocabulary, Width, Heads, Layers, Longest> {
    tokens: Embedding<Vocabulary, Width>,
    positions: LearnedPositions<Longest, Width>,
    blocks: [TransformerBlock<Width, Heads, { 4 * Width }>; Layers],
    norm: LayerNorm<Width>,
    head: LinearNoBias<Width, Vocabulary>,
    #[default(Gelu)]
    activation: Activation,
    #[default(true)]
    causal: bool,
    #[default(0.0)]
    dropout: f64,
    #[default(1e-5)]
    eps: f64,
}

/// The scores of what comes behind each character.
#[model(where(T <= Longest, Width == Heads * (Width / Heads)))]
fn scores<B, T, Vocabulary, Width, Heads, Layers, Longest>(
    m: &Gpt<Vocabulary, Width, Heads, Layers, Longest>,
    text: Tensor<i32, B, T>,
) -> Tensor<B, T, Vocabulary> {
    let mut x = m
        .positions
        .forward(m.tokens.forward(text))
        .dropout(m.dropout);
    for block in &m.blocks {
        x = block.forward(x);
    }
    m.head.forward(m.norm.forward(x))
}

#[model(where(T <= Longest, Width == Heads * (Width / Heads)))]
fn loss<B, T, Vocabulary, Width, Heads, Layers, Longest>(
    m: &Gpt<Vocabulary, Width, Heads, Layers, Longest>,
    text: Tensor<i32, B, T>,
    next: Tensor<i32, B, T>,
) -> Tensor {
    cross_entropy(scores(m, text), next, axis = -1)
}

/// What the layers keep of the characters so far.
#[model]
struct Caches<Longest, Width, Layers> {
    layers: [KeyValueCache<1, Longest, Width>; Layers],
}

/// The scores of what comes behind one more character, which stands at a place.
#[model(where(Width == Heads * (Width / Heads)))]
fn next<Vocabulary, Width, Heads, Layers, Longest>(
    m: &Gpt<Vocabulary, Width, Heads, Layers, Longest>,
    caches: &Caches<Longest, Width, Layers>,
    character: Tensor<i32, 1>,
    place: Tensor<i32, 1>,
) -> Tensor<1, Vocabulary> {
    let mut x = m.tokens.forward(character) + m.positions.w.take(place, axis = 0);
    for (block, cache) in m.blocks.iter().zip(&caches.layers) {
        x = block.step(x, cache);
    }
    m.head.forward(m.norm.forward(x))
}

/// Trains a GPT on a text, and has it write.
#[derive(Parser)]
struct Options {
    /// The text; ten licences by default.
    #[arg(long)]
    text: Option<PathBuf>,
    /// The model's sizes (JSON); those of `examples/char_gpt.json` by default.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Steps that are taken in all.
    #[arg(long, default_value_t = 1200)]
    steps: u64,
    /// Pieces of text in a step.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Seed of the parameters, of the pieces, and of what is written.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Saves training there from time to time, and goes on from it where it is there.
    #[arg(long)]
    save: Option<PathBuf>,
    /// What the model goes on from.
    #[arg(long, default_value = "\nThis license ")]
    prompt: String,
    /// Characters that it writes.
    #[arg(long, default_value_t = 500)]
    length: usize,
    /// How daring it is: near 0 it writes what is likeliest, at 1 as it has learned.
    #[arg(long, default_value_t = 0.8)]
    temperature: f32,
    /// Fails when the loss on text that it has not seen comes out above.
    #[arg(long, default_value_t = f64::INFINITY)]
    max_loss: f64,
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Numbers that look random (Steele, Lea, Flood: SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// A text as numbers, one for each character that is in it.
struct Text {
    characters: Vec<char>,
    numbers: Vec<i32>,
}

impl Text {
    fn new(text: &str) -> Text {
        let mut characters: Vec<char> = text.chars().collect();
        characters.sort_unstable();
        characters.dedup();
        let mut made = Text {
            characters,
            numbers: Vec::new(),
        };
        made.numbers = text.chars().filter_map(|c| made.number(c)).collect();
        made
    }

    fn number(&self, c: char) -> Option<i32> {
        let found = self.characters.binary_search(&c).ok()?;
        i32::try_from(found).ok()
    }

    /// Pieces of so many characters, and the same from the next character on.
    fn pieces(
        &self,
        part: std::ops::Range<usize>,
        rows: usize,
        length: usize,
        random: &mut Random,
    ) -> [Array2<i32>; 2] {
        let mut both = [Array2::zeros((rows, length)), Array2::zeros((rows, length))];
        for row in 0..rows {
            let start = part.start + random.below(part.len() - length);
            for (shift, piece) in both.iter_mut().enumerate() {
                let from = &self.numbers[start + shift..][..length];
                piece
                    .row_mut(row)
                    .iter_mut()
                    .zip(from)
                    .for_each(|(to, from)| *to = *from);
            }
        }
        both
    }
}

/// Draws a character by its scores.
fn draw(scores: &[f32], temperature: f32, random: &mut Random) -> i32 {
    let most = scores.iter().fold(f32::MIN, |m, s| m.max(*s));
    let weights: Vec<f32> = scores
        .iter()
        .map(|s| ((s - most) / temperature.max(1e-3)).exp())
        .collect();
    let mut left = random.uniform() * weights.iter().sum::<f32>();
    for (i, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return i as i32;
        }
    }
    weights.len() as i32 - 1
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    let text = match &options.text {
        Some(path) => std::fs::read_to_string(path)?,
        None => include_str!("data/licences.txt").to_string(),
    };
    let text = Text::new(&text);
    let config = match &options.config {
        Some(path) => std::fs::read_to_string(path)?,
        None => include_str!("char_gpt.json").to_string(),
    };
    // The file says all sizes but one, which is the text's.
    let mut config: serde_json::Value = serde_json::from_str(&config)?;
    config["vocabulary"] = text.characters.len().into();
    let config: GptConfig = serde_json::from_value(config)?;
    let longest = config.Longest;
    let seen = text.numbers.len() * 9 / 10;
    if text.numbers.len() - seen <= longest {
        return Err(format!("the text has to be longer than {} characters", 10 * longest).into());
    }

    let net = Gpt::init(&config, options.seed)?;
    println!(
        "{} parameters, {} characters of {} kinds",
        net.parameter_count(),
        text.numbers.len(),
        text.characters.len()
    );
    let mut train = loss::train(net)
        .optimizer(
            AdamW::new(3e-3)
                .betas(0.9, 0.99)
                .weight_decay(0.1)
                .clip_grad_norm(1.0),
        )
        .decay_matrices_only()
        .schedule(Schedule::cosine(options.steps).warmup(50))
        .seed(options.seed)
        .build()?;
    if let Some(path) = options.save.as_ref().filter(|path| path.exists()) {
        train.resume(path)?;
        println!("goes on from step {} of {}", train.steps(), path.display());
    }

    let progress = progress::Progress::new(options.steps.saturating_sub(train.steps()) as usize);
    while train.steps() < options.steps {
        // The pieces of a step follow from its number, so that a run that is resumed sees the same.
        let mut random = Random(options.seed ^ (train.steps() << 20));
        let [x, y] = text.pieces(0..seen, options.batch, longest, &mut random);
        let step = train.step(&x, &y)?;
        progress.step(|| format!("loss {:.3}", step.loss));
        if let Some(path) = &options.save
            && (step.number.is_multiple_of(200) || step.number == options.steps)
        {
            train.save(path)?;
        }
    }
    progress.finish();

    let mut random = Random(options.seed);
    let [x, y] = text.pieces(seen..text.numbers.len() - 1, 32, longest, &mut random);
    let found = f64::from(loss::attach(&train)?.run(&x, &y)?);
    println!(
        "text that it has not seen: loss {found:.3}, {:.2} bits a character",
        found / 2f64.ln()
    );

    let caches = CachesConfig {
        Longest: longest,
        Width: config.Width,
        Layers: config.Layers,
    };
    let empty = Caches::init(&caches, 0)?;
    let caches = Shared::new(empty.clone());
    let run = next::attach(&train, &caches)?;
    let mut written: Vec<i32> = options
        .prompt
        .chars()
        .filter_map(|c| text.number(c))
        .collect();
    if written.is_empty() {
        return Err("the prompt has no character of the text".into());
    }
    let out = &mut std::io::stdout().lock();
    write!(out, "\n{}", options.prompt)?;
    let (mut place, mut at) = (0, written.len().saturating_sub(longest / 2));
    let end = written.len() + options.length;
    while written.len() < end {
        if place == longest {
            // There is no more room: what it has seen last is seen again, from the first place on.
            caches.set(&empty)?;
            (place, at) = (0, written.len() - longest / 2);
        }
        let scores = run.run([written[at]], [place as i32])?;
        (place, at) = (place + 1, at + 1);
        if at == written.len() {
            let scores = scores.slice(s![0, ..]).to_vec();
            let c = draw(&scores, options.temperature, &mut random);
            written.push(c);
            write!(out, "{}", text.characters[c as usize])?;
        }
    }
    writeln!(out)?;
    match found > options.max_loss {
        false => Ok(()),
        true => Err(format!("the loss {found:.3} is above {}", options.max_loss).into()),
    }
}
