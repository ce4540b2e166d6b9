package dev.graft.service;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.sample.SamplingOptions;
import dev.graft.text.ChatTemplate;
import dev.graft.text.Tokenizer;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/**
 * The model that a server serves.
 *
 * @param name by which requests call it
 * @param template absent where the model has none
 * @param ends tokens that end an answer
 * @param context tokens of prompt and answer together
 * @param defaults what a request leaves open; their seed is not used
 * @param created when it was opened
 */
public record ServedModel(
    String name,
    ModelSpec spec,
    Tokenizer tokenizer,
    Optional<ChatTemplate> template,
    Set<Integer> ends,
    int context,
    SamplingOptions defaults,
    Instant created) {}
