//! Machine code that a store keeps: the same to the byte as what is compiled, and nothing that is damaged, or of anything
//! else, becomes code.
#![cfg(feature = "cpu")]

use crate::support;

use sinew_codegen::cpu::{
    Blocking, CodeKey, CodeStore, CompiledSchedule, Contraction, Damage, Instructions, Options,
    Vectors, compile, compile_stored,
};
use sinew_codegen::kernel::Schedule;
use sinew_ir::parse;
use std::cell::RefCell;
use std::collections::BTreeMap;
use support::scheduled;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A store in memory, which may be told to give back something else.
#[derive(Default)]
struct Memory {
    images: RefCell<BTreeMap<String, Vec<u8>>>,
    /// What it is told of images that it gave, in order.
    refusals: RefCell<Vec<Damage>>,
}

impl CodeStore for Memory {
    fn load(&self, key: &CodeKey) -> Option<Vec<u8>> {
        self.images.borrow().get(&key.to_string()).cloned()
    }

    fn keep(&self, key: &CodeKey, image: &[u8]) {
        let mut images = self.images.borrow_mut();
        images.insert(key.to_string(), image.to_vec());
    }

    fn refused(&self, _: &CodeKey, why: Damage) {
        self.refusals.borrow_mut().push(why);
    }
}

impl Memory {
    /// The only image.
    fn image(&self) -> Result<Vec<u8>, &'static str> {
        let images = self.images.borrow();
        let mut all = images.values();
        match (all.next(), all.next()) {
            (Some(image), None) => Ok(image.clone()),
            _ => Err("not one image"),
        }
    }

    /// Puts others in the place of all.
    fn replace(&self, image: &[u8]) {
        for kept in self.images.borrow_mut().values_mut() {
            *kept = image.to_vec();
        }
    }
}

/// Products by tiles and of one's own, a map, a sort and a loop: calls of shims, plans, and of kernels.
fn schedule() -> Result<Schedule, Box<dyn std::error::Error>> {
    Ok(scheduled(&parse(
        "fn @f(%x: f32[32, 48], %w: f32[48, 32], %y: f32[32]) -> f32[32, 32], f32[32, 32], i32[32] {
  %3 = dot %x, %w contract_x [1] contract_y [0]
  %4 = tanh %3
  %5 = rem %3, %4
  %6 = argsort %y axis [0] descending 0
  return %4, %5, %6
}",
    )?))
}

/// Every value that a run of a compiled schedule leaves.
fn run(schedule: &Schedule, program: &CompiledSchedule) -> Vec<Vec<u64>> {
    let words = |bytes: usize| bytes.div_ceil(8);
    let fill = |(number, bytes): (usize, usize)| -> Vec<u64> {
        let pair = |i: usize| {
            let value = |i: usize| ((i * 37 + number * 11) % 101) as f32 / 50.0 - 1.0;
            u64::from(value(2 * i).to_bits()) | u64::from(value(2 * i + 1).to_bits()) << 32
        };
        (0..words(bytes)).map(pair).collect()
    };
    let bytes = schedule
        .regions
        .iter()
        .map(|r| program.region_bytes(r))
        .enumerate();
    let mut memory: Vec<Vec<u64>> = bytes.map(fill).collect();
    // Aligned to what vectors like best, which is no part of what is compared.
    let mut scratch = vec![0_u64; words(program.scratch_bytes()) + 1];
    let mut table: Vec<*mut u8> = memory.iter_mut().map(|r| r.as_mut_ptr().cast()).collect();
    table.push(scratch.as_mut_ptr().cast());
    // SAFETY: each region has as many bytes as the schedule says, and so has scratch; the schedule was verified, and
    // the stores of these tests give back what they were given, or what is refused.
    unsafe { program.run(&table) };
    memory
}

fn options() -> Vec<Options> {
    let plain = Options::default();
    let library = Options {
        contraction: Contraction::Library,
        ..plain.clone()
    };
    let mut all = vec![plain.clone(), library];
    all.extend(
        Instructions::of_host()
            .into_iter()
            .map(|instructions| Options {
                instructions,
                ..plain.clone()
            }),
    );
    all.push(Options {
        vectors: Vectors::None,
        ..plain
    });
    all
}

#[test]
fn what_is_kept_computes_the_same() -> Outcome {
    let schedule = schedule()?;
    for options in options() {
        for threads in [1, 2] {
            let options = Options {
                threads,
                least_share: 0,
                ..options.clone()
            };
            let plain = compile(&schedule, &options)?;
            assert!(!plain.was_kept());
            let store = Memory::default();
            let first = compile_stored(&schedule, &options, &store)?;
            assert!(!first.was_kept());
            let image = store.image()?;
            let second = compile_stored(&schedule, &options, &store)?;
            assert!(second.was_kept(), "{options:?}");
            assert_eq!(store.image()?, image);
            assert_eq!(plain.code_bytes(), second.code_bytes());
            assert_eq!(plain.scratch_bytes(), second.scratch_bytes());
            let expected = run(&schedule, &plain);
            assert_eq!(run(&schedule, &first), expected);
            assert_eq!(run(&schedule, &second), expected);
            assert!(store.refusals.borrow().is_empty());
        }
    }
    Ok(())
}

/// However many threads compile, and however often: code is the same to the byte, so that what one has kept is what
/// another would have made.
#[test]
fn code_is_the_same_on_any_number_of_threads() -> Outcome {
    let schedule = many_kernels()?;
    assert!(schedule.kernels.len() > 48, "{schedule}");
    let image = |compile_threads| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let store = Memory::default();
        let options = Options {
            compile_threads,
            ..Options::default()
        };
        compile_stored(&schedule, &options, &store)?;
        Ok(store.image()?)
    };
    let alone = image(1)?;
    for threads in [1, 2, 3, 8, 1000] {
        assert!(image(threads)? == alone, "{threads} threads");
    }
    Ok(())
}

/// A chain of products of different sizes.
fn many_kernels() -> Result<Schedule, Box<dyn std::error::Error>> {
    let (mut params, mut body) = (String::from("%x: f32[8, 4]"), String::new());
    let count = 60;
    for i in 0..count {
        let (from, to) = (4 + i, 5 + i);
        params += &format!(", %w{i}: f32[{from}, {to}]");
    }
    let mut last = "%x".to_string();
    for i in 0..count {
        let (product, bent) = (format!("%p{i}"), format!("%t{i}"));
        body += &format!("  {product} = dot {last}, %w{i} contract_x [1] contract_y [0]\n");
        body += &format!("  {bent} = tanh {product}\n");
        last = bent;
    }
    let width = 4 + count;
    let text = format!("fn @f({params}) -> f32[8, {width}] {{\n{body}  return {last}\n}}");
    Ok(scheduled(&parse(&text)?))
}

/// Every byte of an image, changed in one bit and in all: none is believed.
#[test]
fn a_changed_byte_is_found() -> Outcome {
    let (schedule, options, store) = (schedule()?, Options::default(), Memory::default());
    let first = compile_stored(&schedule, &options, &store)?;
    let (expected, image) = (run(&schedule, &first), store.image()?);
    // Each takes a compilation: the header byte by byte, of the rest every 97th, and the ends.
    let rest = (100..image.len()).step_by(97);
    let places = (0..100).chain(rest).chain([image.len() - 1]);
    for (turn, at) in places.enumerate() {
        let mut changed = image.clone();
        changed[at] ^= if turn % 2 == 0 { 1 << (turn % 8) } else { 0xff };
        store.replace(&changed);
        let next = compile_stored(&schedule, &options, &store)?;
        assert!(!next.was_kept(), "byte {at}");
        assert_eq!(store.refusals.borrow().len(), turn + 1, "byte {at}");
        // It is replaced by what is whole.
        assert!(store.image()? == image, "byte {at}");
        if turn % 16 == 0 {
            assert_eq!(run(&schedule, &next), expected, "byte {at}");
        }
    }
    Ok(())
}

#[test]
fn an_image_that_is_cut_or_longer_is_found() -> Outcome {
    let (schedule, options, store) = (schedule()?, Options::default(), Memory::default());
    compile_stored(&schedule, &options, &store)?;
    let image = store.image()?;
    let lengths = [0, 1, 7, 8, 11, 12, 43, 44, 51, 52, 83, 84, 85, 88, 92, 100];
    let lengths = lengths
        .into_iter()
        .chain([image.len() / 2, image.len() - 1]);
    for length in lengths {
        store.replace(&image[..length]);
        let next = compile_stored(&schedule, &options, &store)?;
        assert!(!next.was_kept(), "{length} bytes");
        assert!(store.image()? == image, "{length} bytes");
    }
    let mut longer = image.clone();
    longer.push(0);
    store.replace(&longer);
    assert!(!compile_stored(&schedule, &options, &store)?.was_kept());
    assert_eq!(store.refusals.borrow().last(), Some(&Damage::Length));
    Ok(())
}

/// What lies under a key must be of that key: an image that was moved is another program's.
#[test]
fn an_image_of_another_program_is_found() -> Outcome {
    let (schedule, options, store) = (schedule()?, Options::default(), Memory::default());
    compile_stored(&schedule, &options, &store)?;
    let other = Memory::default();
    compile_stored(&many_kernels()?, &options, &other)?;
    store.replace(&other.image()?);
    assert!(!compile_stored(&schedule, &options, &store)?.was_kept());
    assert_eq!(*store.refusals.borrow(), [Damage::OtherKey]);
    Ok(())
}

/// Whatever changes the code has a key of its own; how many threads write it does not.
#[test]
fn keys_differ_where_code_may() -> Outcome {
    let schedule = schedule()?;
    let store = Memory::default();
    let plain = Options {
        instructions: Instructions::Baseline,
        ..Options::default()
    };
    let mut kept = 0;
    let mut differs = |schedule: &Schedule, options: Options| -> Outcome {
        let said = format!("{options:?}");
        assert!(
            !compile_stored(schedule, &options, &store)?.was_kept(),
            "{said}"
        );
        kept += 1;
        assert_eq!(store.images.borrow().len(), kept, "{said}");
        Ok(())
    };
    differs(&schedule, plain.clone())?;
    differs(&many_kernels()?, plain.clone())?;
    let mut options: Vec<Options> = vec![
        Options {
            contraction: Contraction::Own,
            ..plain.clone()
        },
        Options {
            vectors: Vectors::None,
            ..plain.clone()
        },
        Options {
            threads: 2,
            ..plain.clone()
        },
        Options {
            least_share: 1,
            ..plain.clone()
        },
        Options {
            blocking: Blocking {
                depth: 1024,
                ..Blocking::default()
            },
            ..plain.clone()
        },
    ];
    let wider = Instructions::of_host().into_iter().skip(1);
    options.extend(wider.map(|instructions| Options {
        instructions,
        ..plain.clone()
    }));
    for options in options {
        differs(&schedule, options)?;
    }
    let mut renamed = schedule.clone();
    renamed.regions[0].name.push('_');
    differs(&renamed, plain.clone())?;
    let same = Options {
        compile_threads: 5,
        ..plain
    };
    assert!(compile_stored(&schedule, &same, &store)?.was_kept());
    Ok(())
}
