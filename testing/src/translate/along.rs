//! Cases of what runs along an axis, and of what orders it.

use super::Translator;
use crate::CaseError;
use sinew_ir::{Value, compose};

impl Translator<'_> {
    /// The results of a case along one axis; `None` for other operations.
    pub(super) fn along(&mut self) -> Result<Option<Vec<Value>>, CaseError> {
        let op = self.case.op.as_str();
        if !["cumsum", "cumprod", "argsort", "sort", "topk"].contains(&op) {
            return Ok(None);
        }
        let x = self.input("x")?;
        let axis = self.axis(x)?;
        let descending = self.argument("descending").as_bool().unwrap_or(false);
        let results = match op {
            "cumsum" => vec![compose::cumsum(&mut self.b, x, axis)?],
            "cumprod" => vec![compose::cumprod(&mut self.b, x, axis)?],
            "argsort" => vec![compose::argsort(&mut self.b, x, axis, descending)?],
            "sort" => compose::sort(&mut self.b, x, axis, descending)?.to_vec(),
            _ => {
                let k = self.dim("k")?;
                compose::topk(&mut self.b, x, &k, axis)?.to_vec()
            }
        };
        Ok(Some(results))
    }
}
