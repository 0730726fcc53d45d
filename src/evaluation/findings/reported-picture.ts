/** An image of the source, made small: a PNG in base64. */
export interface ReportedPicture {
  readonly png: string;
}
