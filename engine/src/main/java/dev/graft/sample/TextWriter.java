package dev.graft.sample;

import dev.graft.text.Tokenizer;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** One answer: draws tokens, turns them into text and ends at an end token or a stop string. */
public final class TextWriter implements NextToken {
  private final Sampler sampler;
  private final Set<Integer> ends;
  private final TextStream text;
  private final StopStrings stops;
  private final TokenConstraint constraint;
  private final Consumer<String> out;
  private int tokens;

  /**
   * A writer.
   *
   * @param ends tokens that end the text and are not part of it
   * @param stops strings that do
   * @param out receives the text in pieces, called by the thread that steps
   */
  public TextWriter(
      Sampler sampler,
      Tokenizer tokenizer,
      Set<Integer> ends,
      List<String> stops,
      Consumer<String> out) {
    this(sampler, tokenizer, ends, stops, TokenConstraint.NONE, out);
  }

  /**
   * A writer of a text under a constraint. It ends when nothing may follow, too, and with an error
   * when the constraint refuses.
   *
   * @param ends tokens that end the text and are not part of it
   * @param stops strings that do
   * @param constraint what the text may be; of this text only
   * @param out receives the text in pieces, called by the thread that steps
   */
  public TextWriter(
      Sampler sampler,
      Tokenizer tokenizer,
      Set<Integer> ends,
      List<String> stops,
      TokenConstraint constraint,
      Consumer<String> out) {
    this.sampler = sampler;
    this.ends = Set.copyOf(ends);
    this.text = new TextStream(tokenizer);
    this.stops = new StopStrings(stops);
    this.constraint = constraint;
    this.out = out;
  }

  @Override
  public Choice choose(float[] logits) {
    constraint.mask(logits);
    int token = sampler.next(logits);
    constraint.accept(token);
    tokens++;
    if (ends.contains(token)) {
      return new Choice(token, true);
    }
    emit(stops.add(text.add(token)));
    return new Choice(token, stops.stopped() || constraint.exhausted());
  }

  /** Gives out what was held back; call it when the answer has ended. */
  public void finish() {
    emit(stops.add(text.finish()));
    emit(stops.finish());
  }

  /** Tokens drawn so far. */
  public int tokens() {
    return tokens;
  }

  private void emit(String piece) {
    if (!piece.isEmpty()) {
      out.accept(piece);
    }
  }
}
