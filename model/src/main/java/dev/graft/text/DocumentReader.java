package dev.graft.text;

import com.github.luben.zstd.ZstdInputStream;
import dev.graft.checkpoint.InvalidInputException;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.zip.GZIPInputStream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The documents of a .txt or .jsonl file, plain, .gz or .zst, one at a time. */
public final class DocumentReader implements Closeable {
  /** What separates the documents of a text file. */
  public enum Split {
    BLANK_LINE,
    FILE
  }

  private final Path file;
  private final boolean jsonl;
  private final Split split;
  private final String textKey;
  private final BufferedReader reader;
  private long line;

  private DocumentReader(
      Path file, boolean jsonl, Split split, String textKey, BufferedReader reader) {
    this.file = file;
    this.jsonl = jsonl;
    this.split = split;
    this.textKey = textKey;
    this.reader = reader;
  }

  /**
   * Opens a file.
   *
   * @param textKey field of a JSON line that holds the text
   * @param read hears of bytes of the file as they are read, before decompression
   * @throws InvalidInputException if the name does not say what it is
   */
  public static DocumentReader open(Path file, Split split, String textKey, LongConsumer read)
      throws IOException {
    String name = file.getFileName().toString();
    String plain = name.replaceFirst("\\.(gz|zst)$", "");
    boolean jsonl = plain.endsWith(".jsonl");
    if (!jsonl && !plain.endsWith(".txt")) {
      throw new InvalidInputException(
          file
              + ": the name ends in neither .txt nor .jsonl (nor one of them with .gz or .zst); rename it");
    }
    InputStream in;
    try {
      in = new BufferedInputStream(new Counting(Files.newInputStream(file), read), 1 << 16);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such file", e);
    }
    try {
      if (name.endsWith(".gz")) {
        in = new GZIPInputStream(in, 1 << 16);
      } else if (name.endsWith(".zst")) {
        in = new ZstdInputStream(in).setContinuous(false);
      }
      var decoder =
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT);
      return new DocumentReader(
          file,
          jsonl,
          split,
          textKey,
          new BufferedReader(new InputStreamReader(in, decoder), 1 << 16));
    } catch (IOException e) {
      in.close();
      throw new InvalidInputException(file + ": cannot be decompressed: " + e.getMessage(), e);
    }
  }

  /** The next document; empty at the end. */
  public Optional<Document> next() throws IOException {
    try {
      return jsonl ? nextLine() : nextText();
    } catch (CharacterCodingException e) {
      throw new InvalidInputException(
          file + ": after line " + line + " the text is not UTF-8; convert it", e);
    } catch (java.io.EOFException
        | java.util.zip.ZipException
        | com.github.luben.zstd.ZstdIOException e) {
      throw new InvalidInputException(
          file
              + ": the compressed data is damaged or cut off after line "
              + line
              + "; fetch it again",
          e);
    }
  }

  private Optional<Document> nextText() throws IOException {
    StringBuilder text = new StringBuilder();
    long first = line + 1;
    String read = reader.readLine();
    while (read != null) {
      line++;
      boolean separates = split == Split.BLANK_LINE && read.isBlank();
      if (separates && !text.isEmpty()) {
        break;
      }
      if (separates) {
        first = line + 1;
      } else {
        text.append(text.isEmpty() ? "" : "\n").append(read);
      }
      read = reader.readLine();
    }
    return text.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Document(file + ": line " + first, new Document.Body.Text(text.toString())));
  }

  private Optional<Document> nextLine() throws IOException {
    String read = reader.readLine();
    line++;
    while (read != null && read.isBlank()) {
      read = reader.readLine();
      line++;
    }
    if (read == null) {
      return Optional.empty();
    }
    String source = file + ": line " + line;
    JsonNode object;
    try {
      object = JsonMapper.shared().readTree(read);
    } catch (JacksonException e) {
      throw new InvalidInputException(source + " is not JSON; each line holds one object", e);
    }
    if (object.path("messages").isArray()) {
      return Optional.of(
          new Document(
              source, new Document.Body.Conversation(messages(source, object.get("messages")))));
    }
    if (!object.path(textKey).isString()) {
      throw new InvalidInputException(
          source
              + " has neither a '"
              + textKey
              + "' string nor a 'messages' list; name the field by --text-key");
    }
    return Optional.of(
        new Document(source, new Document.Body.Text(object.get(textKey).asString())));
  }

  private static List<Document.Message> messages(String source, JsonNode node) {
    List<Document.Message> messages = new ArrayList<>();
    for (JsonNode message : node) {
      if (!message.path("role").isString() || !message.path("content").isString()) {
        throw new InvalidInputException(
            source + " has a message without a role and a content string");
      }
      messages.add(
          new Document.Message(message.get("role").asString(), message.get("content").asString()));
    }
    return List.copyOf(messages);
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }

  private static final class Counting extends FilterInputStream {
    private final LongConsumer read;

    Counting(InputStream in, LongConsumer read) {
      super(in);
      this.read = read;
    }

    @Override
    public int read() throws IOException {
      int value = super.read();
      if (value >= 0) {
        read.accept(1);
      }
      return value;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      int count = super.read(buffer, offset, length);
      if (count > 0) {
        read.accept(count);
      }
      return count;
    }
  }
}
