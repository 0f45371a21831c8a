//! What a bench tells: a name, a value, and the goal that it has, if any.

/// On which side of its goal a value should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    AtLeast,
    AtMost,
}

/// One line of the table and of the JSON file.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    /// `None`: only printed beside the others.
    pub goal: Option<(Bound, f64)>,
}

impl Row {
    /// A value that is printed beside others and has no goal.
    pub fn beside(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            goal: None,
        }
    }

    pub fn at_least(name: impl Into<String>, value: f64, unit: &'static str, goal: f64) -> Self {
        Self {
            goal: Some((Bound::AtLeast, goal)),
            ..Self::beside(name, value, unit)
        }
    }

    pub fn at_most(name: impl Into<String>, value: f64, unit: &'static str, goal: f64) -> Self {
        Self {
            goal: Some((Bound::AtMost, goal)),
            ..Self::beside(name, value, unit)
        }
    }

    /// `None` without a goal.
    pub fn met(&self) -> Option<bool> {
        self.goal.map(|(bound, goal)| match bound {
            Bound::AtLeast => self.value >= goal,
            Bound::AtMost => self.value <= goal,
        })
    }

    fn goal_text(&self) -> Option<String> {
        self.goal.map(|(bound, goal)| match bound {
            Bound::AtLeast => format!(">= {goal}"),
            Bound::AtMost => format!("<= {goal}"),
        })
    }
}

/// Prints the table and returns the rows as JSON.
pub fn tell(rows: &[Row]) -> serde_json::Value {
    println!("\n{:<36}{:>12} {:<10}{:>10}  met", "row", "value", "unit", "goal");
    let rows: Vec<serde_json::Value> = rows.iter().map(line).collect();
    serde_json::Value::Array(rows)
}

fn line(row: &Row) -> serde_json::Value {
    let goal = row.goal_text();
    let met = match row.met() {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "",
    };
    let shown = goal.as_deref().unwrap_or("-");
    println!(
        "{:<36}{:>12.2} {:<10}{shown:>10}  {met}",
        row.name, row.value, row.unit
    );
    serde_json::json!({
        "name": row.name,
        "value": row.value,
        "unit": row.unit,
        "goal": goal,
        "met": row.met(),
    })
}
