package dev.graft.schedule;

import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.decoder.Chunk;
import dev.graft.decoder.Forward;
import dev.graft.decoder.Phase;
import dev.graft.decoder.ScoredRows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A "model" whose next token is a hash of all that stands in the sequence's pages, phase included:
 * a page that was shared wrongly, overwritten, or computed in the other phase changes the answer.
 */
final class HashingForward implements Forward {
  private final ModelSpec spec;
  private final long[][] pages;
  private final List<Integer> widths = new ArrayList<>();
  private final List<List<Integer>> pieces = new ArrayList<>();

  HashingForward(ModelSpec spec, int pages) {
    this.spec = spec;
    this.pages = new long[pages][KeyValuePages.SIZE];
  }

  /** Tokens of each step so far. */
  List<Integer> widths() {
    return widths;
  }

  /** Lengths of the pieces of prompts of each step so far. */
  List<List<Integer>> pieces() {
    return pieces;
  }

  @Override
  public ModelSpec spec() {
    return spec;
  }

  @Override
  public int pageSize() {
    return KeyValuePages.SIZE;
  }

  @Override
  public int pageCount() {
    return pages.length;
  }

  @Override
  public float[][] step(List<Chunk> chunks, ScoredRows scored) {
    widths.add(chunks.stream().mapToInt(chunk -> chunk.ids().length).sum());
    pieces.add(
        chunks.stream()
            .filter(chunk -> chunk.phase() == Phase.PREFILL)
            .map(chunk -> chunk.ids().length)
            .toList());
    float[][] logits = new float[chunks.size()][0];
    for (int c = 0; c < logits.length; c++) {
      Chunk chunk = chunks.get(c);
      for (int i = 0; i < chunk.ids().length; i++) {
        int at = chunk.position() + i;
        pages[chunk.pages()[at / KeyValuePages.SIZE]][at % KeyValuePages.SIZE] =
            mark(chunk.ids()[i], at, chunk.phase());
      }
    }
    for (int c = 0; c < logits.length; c++) {
      Chunk chunk = chunks.get(c);
      if (chunk.logits() > 0) {
        int end = chunk.position() + chunk.ids().length;
        long hash = 0;
        logits[c] = new float[(chunk.logits() - chunk.scored()) * spec.vocabSize()];
        for (int at = 0; at < end; at++) {
          hash = mix(hash, pages[chunk.pages()[at / KeyValuePages.SIZE]][at % KeyValuePages.SIZE]);
          int row = at - (end - chunk.logits());
          if (row >= chunk.scored()) {
            logits[c][(row - chunk.scored()) * spec.vocabSize() + next(hash)] = 1;
          } else if (row >= 0) {
            float[] scores = new float[3 + spec.vocabSize()];
            scores[3 + next(hash)] = 1;
            scored.row(c, row, scores, 3);
          }
        }
      }
    }
    return logits;
  }

  /** What a request is answered when it is alone. */
  int[] alone(int[] prompt, int count) {
    int[] answer = new int[count];
    long hash = 0;
    for (int at = 0; at < prompt.length; at++) {
      hash = mix(hash, mark(prompt[at], at, Phase.PREFILL));
    }
    for (int i = 0; i < count; i++) {
      answer[i] = next(hash);
      hash = mix(hash, mark(answer[i], prompt.length + i, Phase.DECODE));
    }
    return answer;
  }

  /** What a prompt is expected to go on with at each of its places but the last. */
  int[] within(int[] prompt) {
    int[] expected = new int[prompt.length - 1];
    long hash = 0;
    for (int at = 0; at < expected.length; at++) {
      hash = mix(hash, mark(prompt[at], at, Phase.PREFILL));
      expected[at] = next(hash);
    }
    return expected;
  }

  private int next(long hash) {
    return (int) Long.remainderUnsigned(hash >>> 7, spec.vocabSize());
  }

  private static long mark(int id, int position, Phase phase) {
    return Arrays.hashCode(new int[] {id, position, phase == Phase.PREFILL ? 1 : 2});
  }

  private static long mix(long hash, long mark) {
    return (hash ^ mark) * 0x9E3779B97F4A7C15L + 1;
  }

  @Override
  public void close() {}
}
