//! Logs: what is written, what is kept when a run goes on.

use crate::temporary;
use sinew_data::{Error, Log, Result};
use std::path::Path;

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a log")
}

#[test]
fn lines_are_json() -> Result<()> {
    let path = temporary("lines.jsonl");
    let mut log = Log::create(&path)?;
    let numbers = [
        ("a\"b", 1.0),
        ("c", -0.125),
        ("tiny", 1e-300),
        ("big", 1e300),
        ("nan", f64::NAN),
        ("inf", f64::INFINITY),
    ];
    log.write(7, numbers)?;
    log.write(u64::MAX, [(String::from("é"), 1e15)])?;
    log.write::<&str>(9, [])?;
    let expected = "{\"step\":7,\"a\\\"b\":1,\"c\":-0.125,\"tiny\":1e-300,\"big\":1e300,\"nan\":null,\"inf\":null}\n\
                    {\"step\":18446744073709551615,\"é\":1000000000000000.0}\n{\"step\":9}\n";
    assert_eq!(text(&path), expected);
    let records = Log::read(&path)?;
    assert_eq!(
        records.iter().map(|record| record.step).collect::<Vec<_>>(),
        [7, u64::MAX, 9]
    );
    for (name, number) in numbers.into_iter().filter(|(_, number)| number.is_finite()) {
        assert_eq!(records[0].get(name), Some(number));
    }
    assert!(records[0].get("inf").is_some_and(f64::is_nan) && records[0].get("none").is_none());
    Ok(())
}

#[test]
fn a_run_goes_on_behind_a_step() -> Result<()> {
    let path = temporary("resumed.jsonl");
    let mut log = Log::create(&path)?;
    for step in [10, 20, 30] {
        log.write(step, [("loss", step as f64)])?;
    }
    drop(log);
    let mut log = Log::resume(&path, 20)?;
    log.write(25, [("loss", 1.0)])?;
    drop(log);
    let steps = || {
        Log::read(&path).map(|records| records.iter().map(|record| record.step).collect::<Vec<_>>())
    };
    assert_eq!(steps()?, [10, 20, 25]);
    let mut log = Log::append(&path)?;
    log.write(1, [("loss", 1.0)])?;
    drop(log);
    assert_eq!(steps()?, [10, 20, 25, 1]);
    drop(Log::resume(&path, 0)?);
    assert_eq!(text(&path), "");
    let fresh = temporary("fresh.jsonl");
    drop(std::fs::remove_file(&fresh));
    drop(Log::append(&fresh)?);
    assert_eq!(text(&fresh), "");
    Ok(())
}

/// A run that was killed leaves the start of a line.
#[test]
fn a_line_that_is_not_whole_is_dropped() -> Result<()> {
    let path = temporary("killed.jsonl");
    std::fs::write(&path, "{\"step\":1,\"loss\":2}\n{\"step\":2,\"lo").expect("a temporary file");
    assert_eq!(Log::read(&path)?.len(), 1);
    let mut log = Log::append(&path)?;
    log.write(2, [("loss", 3.0)])?;
    assert_eq!(
        text(&path),
        "{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":3}\n"
    );
    Ok(())
}

#[test]
fn a_file_that_is_no_log_stays_as_it_is() {
    let path = temporary("poem.txt");
    for poem in [
        "roses are red\n",
        "{\"step\":1}\n{\"loss\":2}\n",
        "{\"step\":1,\"loss\":\"x\"}\n",
        "{\"step\":-1}\n",
    ] {
        std::fs::write(&path, poem).expect("a temporary file");
        let error = Log::append(&path).expect_err("no log");
        assert!(matches!(error, Error::Contents { .. }), "{error}");
        assert!(Log::read(&path).is_err());
        assert_eq!(text(&path), poem);
    }
    std::fs::write(&path, "{\"step\":1}\nroses\n").expect("a temporary file");
    let error = Log::read(&path).expect_err("no log").to_string();
    let expected =
        "poem.txt: line 2: expected an object of numbers with a `step`, and `roses` came";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn lines_wait_until_there_are_enough() -> Result<()> {
    let path = temporary("waiting.jsonl");
    let mut log = Log::create(&path)?.flush_every(3);
    let lines = || text(&path).lines().count();
    for (step, there) in [(1, 0), (2, 0), (3, 3), (4, 3)] {
        log.write(step, [("loss", 0.0)])?;
        assert_eq!(lines(), there);
    }
    log.flush()?;
    assert_eq!(lines(), 4);
    log.write(5, [("loss", 0.0)])?;
    drop(log);
    assert_eq!(lines(), 5);
    Ok(())
}

#[test]
fn a_number_called_step_is_refused() -> Result<()> {
    let mut log = Log::create(temporary("step.jsonl"))?;
    assert!(matches!(
        log.write(1, [("loss", 1.0), ("step", 2.0)]),
        Err(Error::Setting { .. })
    ));
    log.flush()?;
    assert_eq!(Log::read(temporary("step.jsonl"))?, []);
    let folder = std::env::temp_dir();
    assert!(matches!(Log::create(folder), Err(Error::File { .. })));
    Ok(())
}
