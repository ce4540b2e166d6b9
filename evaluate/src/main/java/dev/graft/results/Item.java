package dev.graft.results;

import dev.graft.score.Outcome;
import dev.graft.score.Value;
import java.util.Map;

/**
 * An answered question.
 *
 * @param gold number of the right choice; −1 where there is none
 * @param metrics values by name
 */
public record Item(ItemKey key, int gold, Outcome outcome, Map<String, Value> metrics) {}
