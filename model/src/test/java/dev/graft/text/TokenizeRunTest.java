package dev.graft.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Models;
import dev.graft.peers.PeerPython;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizeRunTest {
  @TempDir Path folder;

  private static final class Heard implements TokenizeRun.Listener {
    private long bytes;
    private long documents;

    @Override
    public void read(long more) {
      bytes += more;
    }

    @Override
    public void written(long more) {
      documents += more;
    }
  }

  private TokenizeRun.Result run(int workers, int vocabSize, Path out, Path... files)
      throws IOException {
    return run(workers, vocabSize, out, TokenizeRun.Listener.SILENT, files);
  }

  private TokenizeRun.Result run(
      int workers, int vocabSize, Path out, TokenizeRun.Listener listener, Path... files)
      throws IOException {
    Path directory = TinyTokenizer.withTemplate(folder.resolve("tokenizer"), TinyTokenizer.CHATML);
    try (Tokenizer tokenizer = Tokenizer.open(directory)) {
      return TokenizeRun.run(
          new TokenizeRun.Options(List.of(files), DocumentReader.Split.BLANK_LINE, "text", workers),
          new DocumentTokenizer(tokenizer, ChatTemplate.find(directory), true),
          vocabSize,
          out,
          listener);
    }
  }

  private Path jsonl(String name, int lines) throws IOException {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < lines; i++) {
      all.add(
          i % 3 == 0
              ? "{\"messages\": [{\"role\": \"user\", \"content\": \"q"
                  + i
                  + "\"}, {\"role\": \"assistant\", \"content\": \"a"
                  + i
                  + "\"}]}"
              : "{\"text\": \"" + "word ".repeat(i % 50) + i + "\"}");
    }
    return Files.write(folder.resolve(name), all);
  }

  @Test
  void anyNumberOfWorkersWritesTheSameFiles() throws IOException {
    Path one = jsonl("one.jsonl", 3000);
    Path two = Files.writeString(folder.resolve("two.txt"), "first\n\nsecond\nline\n");
    List<byte[]> written = new ArrayList<>();
    for (int workers : new int[] {1, 2, 5}) {
      Path out = folder.resolve("out" + workers);
      Heard heard = new Heard();
      TokenizeRun.Result result = run(workers, TinyTokenizer.VOCAB, out, heard, one, two);
      assertEquals(3002, result.documents());
      assertEquals(3002, heard.documents);
      assertEquals(Files.size(one) + Files.size(two), heard.bytes);
      assertTrue(result.learnedTokens() < result.tokens());
      for (String suffix : List.of(".bin", ".idx", ".loss_mask.bin", ".loss_mask.idx")) {
        byte[] bytes = Files.readAllBytes(IndexedDataset.sibling(out, suffix));
        if (workers == 1) {
          written.add(bytes);
        } else {
          assertArrayEquals(written.removeFirst(), bytes);
          written.add(bytes);
        }
      }
    }
    try (IndexedDataset dataset = IndexedDataset.open(folder.resolve("out5"));
        Tokenizer tokenizer = Tokenizer.open(folder.resolve("tokenizer"))) {
      assertEquals("word 1", tokenizer.decode(dataset.document(1)));
      assertEquals("word word 2", tokenizer.decode(dataset.document(2)));
      assertEquals("second\nline", tokenizer.decode(dataset.document(3001)));
    }
  }

  @Test
  void textsAloneHaveNoMask() throws IOException {
    Path file = Files.writeString(folder.resolve("a.txt"), "x\n\ny");
    TokenizeRun.Result result = run(2, TinyTokenizer.VOCAB, folder.resolve("out"), file);
    assertEquals(new TokenizeRun.Result(2, 4, 4), result);
    assertFalse(Files.exists(folder.resolve("out.loss_mask.bin")));
  }

  private void refused(int vocabSize, String message, Path... files) throws IOException {
    String got =
        assertThrows(
                InvalidInputException.class,
                () -> run(2, vocabSize, folder.resolve("out/tokens"), files))
            .getMessage();
    assertTrue(got.contains(message), got);
    try (Stream<Path> left = Files.list(folder.resolve("out"))) {
      assertEquals(List.of(), left.toList());
    }
  }

  @Test
  void aFailedRunLeavesNothing() throws IOException {
    Path good = jsonl("good.jsonl", 2000);
    Path bad = Files.writeString(folder.resolve("bad.jsonl"), "{\"text\": \"x\"}\n{");
    Path empty = Files.writeString(folder.resolve("empty.txt"), "");
    Path blank = Files.writeString(folder.resolve("blank.jsonl"), "{\"text\": \"\"}\n");
    refused(TinyTokenizer.VOCAB, bad + ": line 2 is not JSON", good, bad);
    refused(TinyTokenizer.VOCAB, empty + ", " + blank + ": there is no text", empty, blank);
    refused(TinyTokenizer.VOCAB, "absent.txt: there is no such file", folder.resolve("absent.txt"));
  }

  @Test
  void aTokenizerThatDoesNotFitTheVocabularyIsNamed() throws IOException {
    Path file = Files.writeString(folder.resolve("a.txt"), "abc\n\nx\u00FF");
    refused(
        200,
        "a.txt: line 1: the tokenizer gives token 257 but vocab_size in its config.json is 200",
        file);
    refused(TinyTokenizer.END, "the tokenizer gives token 257 but", file);
    assertEquals(2, run(1, TinyTokenizer.VOCAB, folder.resolve("fits"), file).documents());
  }

  /** megatron-core's own reader sees the same documents. */
  @Test
  void megatronReadsWhatIsWritten() throws IOException {
    Path narrow = folder.resolve("narrow");
    Path wide = folder.resolve("wide");
    run(2, TinyTokenizer.VOCAB, narrow, jsonl("talk.jsonl", 500));
    run(2, 70_000, wide, jsonl("talk.jsonl", 500));
    Path mask = IndexedDataset.lossMask(wide);
    assertEquals(
        List.of(summary(narrow, "uint16"), summary(wide, "int32"), summary(mask, "uint8")),
        PeerPython.run(
                "scripts/peers/check_megatron.py",
                narrow.toString(),
                wide.toString(),
                mask.toString())
            .lines()
            .toList());
  }

  /** And this reader what megatron-core's builder writes, sentences included. */
  @Test
  void whatMegatronWritesIsRead() throws IOException {
    Path prefix = folder.resolve("theirs");
    PeerPython.run("scripts/peers/check_megatron.py", "--write", prefix.toString());
    for (String type : List.of("uint8", "uint16", "int32", "int64")) {
      try (IndexedDataset dataset =
          IndexedDataset.open(IndexedDataset.sibling(prefix, "-" + type))) {
        assertEquals(20, dataset.documents());
        int next = 0;
        for (int d = 0; d < 20; d++) {
          int[] document = dataset.document(d);
          assertEquals(d % 3 + d % 4 + 1, document.length);
          for (int id : document) {
            assertEquals(next++ % 100, id);
          }
        }
      }
    }
  }

  private static String summary(Path prefix, String type) throws IOException {
    CRC32 sum = new CRC32();
    try (IndexedDataset dataset = IndexedDataset.open(prefix)) {
      for (int d = 0; d < dataset.documents(); d++) {
        StringBuilder line = new StringBuilder();
        for (int id : dataset.document(d)) {
          line.append(id).append(' ');
        }
        sum.update(line.append('\n').toString().getBytes(StandardCharsets.US_ASCII));
      }
      return type
          + " "
          + dataset.documents()
          + " "
          + dataset.tokens()
          + " "
          + Long.toHexString(sum.getValue());
    }
  }

  @Test
  void storiesAreDocumentsOfTheirOwn() throws IOException {
    Path text = Models.shared("data/text/tinystories-valid.txt");
    Path model = Models.shared("models/stories260k");
    Path out = folder.resolve("stories");
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      TokenizeRun.Result result =
          TokenizeRun.run(
              new TokenizeRun.Options(List.of(text), DocumentReader.Split.BLANK_LINE, "text", 2),
              new DocumentTokenizer(tokenizer, ChatTemplate.find(model), true),
              512,
              out,
              TokenizeRun.Listener.SILENT);
      StringBuilder joined = new StringBuilder();
      try (IndexedDataset dataset = IndexedDataset.open(out)) {
        assertEquals(result.documents(), dataset.documents());
        for (int d = 0; d < dataset.documents(); d++) {
          int[] ids = dataset.document(d);
          assertEquals(1, ids[0]);
          assertEquals(2, ids[ids.length - 1]);
          joined.append(tokenizer.decode(ids).strip()).append('\n');
        }
      }
      String original = Files.readString(text).replaceAll("\\s+", " ");
      assertEquals(original.strip(), joined.toString().replaceAll("\\s+", " ").strip());
    }
  }
}
