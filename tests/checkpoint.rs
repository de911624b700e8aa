//! Saving and loading models, and what a file that does not fit says.

use sinew::prelude::*;
use std::path::PathBuf;

#[model]
struct Net {
    first: Linear<4, 3>,
    second: Linear<3, 2>,
}

#[model]
struct Other {
    first: Linear<4, 5>,
    third: Linear<5, 2>,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>, y: Tensor<B, 2>) -> Tensor {
    mse(m.second.forward(m.first.forward(x).tanh()), y)
}

/// A file of its own for each test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let name = format!("sinew-{}-{name}.safetensors", std::process::id());
        Scratch(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A test that failed early has none.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn training_goes_on_from_a_file() -> sinew::Result<()> {
    let file = Scratch::new("goes-on");
    let (x, y) = (
        [[1.0, 2.0, 3.0, 4.0], [0.5, 0.0, -1.0, 1.0]],
        [[1.0, 0.0], [0.0, 1.0]],
    );
    for precision in [Precision::F32, Precision::F64] {
        let train = |model| {
            loss::train(model)
                .optimizer(Sgd::new(0.1))
                .precision(precision)
                .build()
        };
        let mut first = train(Net::init(3))?;
        for _ in 0..5 {
            first.step(x, y)?;
        }
        first.model()?.save(&file.0)?;
        let mut second = train(Net::load(&file.0)?)?;
        assert_eq!(first.step(x, y)?.loss, second.step(x, y)?.loss);
    }
    Ok(())
}

#[test]
fn every_misfit_is_named() -> sinew::Result<()> {
    let file = Scratch::new("misfit");
    Other::init(0).save(&file.0)?;
    let Err(error) = Net::load(&file.0) else {
        panic!("the file is another model's");
    };
    let text = error.to_string();
    for problem in [
        "`first.w` is (4, 3) in the model and (4, 5) in the file",
        "`first.b` is (3,) in the model and (5,) in the file",
        "`second.w` is missing",
        "`third.w` is not in the model",
    ] {
        assert!(text.contains(problem), "{text}");
    }
    Ok(())
}

#[test]
fn files_that_are_none_are_errors() -> sinew::Result<()> {
    let file = Scratch::new("none");
    assert!(matches!(Net::load(&file.0), Err(sinew::Error::File { .. })));
    let mut model = Net::init(7);
    model.save(&file.0)?;
    let bytes = std::fs::read(&file.0).expect("just written");
    for cut in [0, 7, 40, bytes.len() - 1] {
        std::fs::write(&file.0, &bytes[..cut]).expect("a folder for tests");
        let Err(error) = model.load_into(&file.0) else {
            panic!("{cut} bytes were enough");
        };
        assert!(
            error
                .to_string()
                .contains("is not a complete safetensors file"),
            "{error}"
        );
    }
    std::fs::write(&file.0, "a,b,c\n1,2,3\n").expect("a folder for tests");
    let error = model.load_into(&file.0);
    assert!(matches!(error, Err(sinew::Error::NotSafetensors { .. })));
    let untouched = Net::init(7);
    assert_eq!(model.first.w, untouched.first.w);
    assert_eq!(model.second.w, untouched.second.w);
    Ok(())
}
