/** Directory of the embedded model, in Hugging Face layout. */
export declare const modelPath: string
