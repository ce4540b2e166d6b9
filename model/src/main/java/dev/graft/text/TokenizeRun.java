package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;

/**
 * Text files to one indexed dataset, in parallel and in order: the result does not depend on the
 * number of workers, and memory not on the size of the files.
 */
public final class TokenizeRun {
  private static final int CHUNK_DOCUMENTS = 64;
  private static final long CHUNK_CHARACTERS = 1 << 20;

  /**
   * What to tokenize and how.
   *
   * @param files in this order
   * @param split what separates the documents of a .txt
   * @param textKey field of a JSON line
   * @param workers threads that tokenize
   */
  public record Options(
      List<Path> files, DocumentReader.Split split, String textKey, int workers) {}

  /** What came of it. */
  public record Result(long documents, long tokens, long learnedTokens) {}

  private TokenizeRun() {}

  /**
   * Writes {@code out.bin} and {@code out.idx}, and where there are conversations {@code
   * out.loss_mask.bin} and {@code .idx}.
   *
   * @param vocabSize every id must be below it
   * @param read hears of bytes of the files as they are read
   */
  public static Result run(
      Options options, DocumentTokenizer tokenizer, int vocabSize, Path out, LongConsumer read)
      throws IOException {
    try (ExecutorService workers = Executors.newFixedThreadPool(options.workers());
        IndexedDatasetWriter tokens = IndexedDatasetWriter.create(out, vocabSize);
        IndexedDatasetWriter mask =
            IndexedDatasetWriter.bytes(IndexedDataset.sibling(out, ".loss_mask"))) {
      Sink sink = new Sink(tokens, mask, vocabSize);
      Deque<Future<List<DocumentTokenizer.Tokens>>> waiting = new ArrayDeque<>();
      try {
        for (Path file : options.files()) {
          try (DocumentReader reader =
              DocumentReader.open(file, options.split(), options.textKey(), read)) {
            List<Document> chunk = chunk(reader);
            while (!chunk.isEmpty()) {
              List<Document> documents = chunk;
              waiting.add(
                  workers.submit(() -> documents.stream().map(tokenizer::tokenize).toList()));
              while (waiting.size() > 2 * options.workers()) {
                sink.add(take(waiting));
              }
              chunk = chunk(reader);
            }
          }
        }
        while (!waiting.isEmpty()) {
          sink.add(take(waiting));
        }
      } catch (IOException | RuntimeException e) {
        workers.shutdownNow();
        throw e;
      }
      return sink.finish(options.files());
    }
  }

  private static List<Document> chunk(DocumentReader reader) throws IOException {
    List<Document> chunk = new ArrayList<>();
    long characters = 0;
    while (chunk.size() < CHUNK_DOCUMENTS && characters < CHUNK_CHARACTERS) {
      Optional<Document> document = reader.next();
      if (document.isEmpty()) {
        break;
      }
      chunk.add(document.get());
      characters +=
          document.get().body() instanceof Document.Body.Text(String text) ? text.length() : 1000;
    }
    return chunk;
  }

  private static List<DocumentTokenizer.Tokens> take(
      Deque<Future<List<DocumentTokenizer.Tokens>>> waiting) throws IOException {
    try {
      return waiting.remove().get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IOException("tokenizing failed: " + e.getCause().getMessage(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("tokenizing was interrupted", e);
    }
  }

  /** Writes tokens, and a mask from the first document that has one. */
  private static final class Sink {
    private final IndexedDatasetWriter tokens;
    private final IndexedDatasetWriter mask;
    private final int vocabSize;
    private boolean masked;
    private long learned;

    Sink(IndexedDatasetWriter tokens, IndexedDatasetWriter mask, int vocabSize) {
      this.tokens = tokens;
      this.mask = mask;
      this.vocabSize = vocabSize;
    }

    void add(List<DocumentTokenizer.Tokens> chunk) throws IOException {
      for (DocumentTokenizer.Tokens document : chunk) {
        for (int id : document.ids()) {
          if (id < 0 || id >= vocabSize) {
            throw new InvalidInputException(
                "--tokenizer: gives token "
                    + id
                    + " but the model's vocab_size is "
                    + vocabSize
                    + "; take the tokenizer of the model");
          }
        }
        tokens.add(document.ids());
        int[] bits = new int[document.ids().length];
        for (int i = 0; i < bits.length; i++) {
          bits[i] = document.learned().isEmpty() || document.learned().get()[i] ? 1 : 0;
          learned += bits[i];
        }
        masked |= document.learned().isPresent();
        mask.add(bits);
      }
    }

    Result finish(List<Path> files) throws IOException {
      if (tokens.tokens() == 0) {
        throw new InvalidInputException(files + ": there is no text in these files");
      }
      if (masked) {
        mask.commit();
      }
      tokens.commit();
      return new Result(tokens.documents(), tokens.tokens(), learned);
    }
  }
}
