//! Budgets over engines in simulated time: nobody asks too much, and everybody gets a turn.
