package dev.graft.service;

import dev.graft.openai.GenerationParameters;
import dev.graft.openai.TokenScore;
import dev.graft.sample.LogProbabilities;
import dev.graft.sample.NextToken;
import dev.graft.sample.Sampler;
import dev.graft.sample.StopStrings;
import dev.graft.sample.TextStream;
import dev.graft.sample.TokenConstraint;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;

/** Writes one choice: draws its tokens, and turns them into text and log-probabilities. */
final class ChoiceWriter implements NextToken {
  private final int choice;
  private final Scores scores;
  private final OptionalInt topLogprobs;
  private final Penalties penalties;
  private final TokenConstraint constraint;
  private final Sampler sampler;
  private final Set<Integer> ends;
  private final TextStream text;
  private final StopStrings stops;
  private final Consumer<AnswerEvent> out;
  private List<TokenScore> pending = new ArrayList<>();
  private int tokens;

  /**
   * Which choice it is.
   *
   * @param choice of the request
   * @param ofPrompt of its prompt: each draws differently
   */
  record Place(int choice, int ofPrompt) {}

  ChoiceWriter(
      ServedModel model,
      GenerationParameters parameters,
      TokenConstraint constraint,
      int[] prompt,
      Place place,
      Consumer<AnswerEvent> out) {
    this.choice = place.choice();
    this.constraint = constraint;
    this.scores = new Scores(model.tokenizer());
    this.topLogprobs = parameters.topLogprobs();
    this.penalties = new Penalties(parameters.sampling());
    this.sampler =
        new Sampler(parameters.sampling().options(model.defaults(), place.ofPrompt()), prompt);
    Set<Integer> stopIds = new HashSet<>(parameters.stopTokenIds());
    if (!parameters.ignoreEos()) {
      stopIds.addAll(model.ends());
    }
    this.ends = Set.copyOf(stopIds);
    this.text = new TextStream(model.tokenizer());
    this.stops = new StopStrings(parameters.stops());
    this.out = out;
  }

  @Override
  public Choice choose(float[] logits) {
    float[] raw = topLogprobs.isPresent() ? logits.clone() : logits;
    penalties.apply(logits);
    constraint.mask(logits);
    int token = sampler.next(logits);
    constraint.accept(token);
    penalties.generated(token);
    tokens++;
    if (topLogprobs.isPresent()) {
      pending.add(scores.of(LogProbabilities.of(raw, token, topLogprobs.getAsInt())));
    }
    if (ends.contains(token)) {
      return new Choice(token, true);
    }
    // A token without text is a piece, too: who listens sees that the answer goes on.
    emit(stops.add(text.add(token)));
    return new Choice(token, stops.stopped() || constraint.exhausted());
  }

  /** Gives out what was held back, when the choice has ended. */
  void finish() {
    String rest = stops.add(text.finish());
    String all = rest + stops.finish();
    if (!all.isEmpty() || !pending.isEmpty()) {
      emit(all);
    }
  }

  int choice() {
    return choice;
  }

  int tokens() {
    return tokens;
  }

  private void emit(String piece) {
    out.accept(new AnswerEvent.Piece(choice, piece, pending));
    pending = new ArrayList<>();
  }
}
