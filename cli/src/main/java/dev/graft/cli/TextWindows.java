package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A text as windows of token ids for perplexity: the whole file without special tokens, cut every
 * {@code context} ids without overlap, what is left at the end dropped.
 */
final class TextWindows {
  private TextWindows() {}

  static List<int[]> read(Path model, Path text, int context) throws IOException {
    if (context < 2) {
      throw new InvalidInputException("--context is " + context + "; it must be at least 2");
    }
    int[] ids;
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      ids = tokenizer.encode(text(text));
    }
    List<int[]> windows = new ArrayList<>();
    for (int from = 0; from + context <= ids.length; from += context) {
      windows.add(Arrays.copyOfRange(ids, from, from + context));
    }
    if (windows.isEmpty()) {
      throw new InvalidInputException(
          text
              + ": has "
              + ids.length
              + " tokens, less than one window of --context "
              + context
              + "; give a longer text or a smaller context");
    }
    return windows;
  }

  private static String text(Path file) throws IOException {
    try {
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such file; give a UTF-8 text", e);
    } catch (CharacterCodingException e) {
      throw new InvalidInputException(file + ": this is not UTF-8; convert the text", e);
    }
  }
}
